"""Columns of two values, and groups of them that are one column written as several."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float32
from numpy import ndarray

from contramix.domains.table.column import Column, Element, quantities
from contramix.errors import InputError


class Boolean(Column):
    """0 or 1."""

    kind: Literal["boolean"] = "boolean"
    group: int | None = None
    """Adjacent booleans of which exactly one holds in every training row share a number: they are one column,
    written as a one-hot group, and typed mixing takes them whole."""

    @property
    def elements(self) -> list[Element]:
        return [Element("level"), *([Element("flag")] if self.missing else [])]

    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first: int) -> None:
        numbers = quantities(self, values, "boolean", infinite, first)
        known = (numbers == 0) | (numbers == 1)
        if known.all():
            out[:, 0] = numbers
            return
        absent = np.isnan(numbers)
        other = ~(absent | known)
        if other.any():
            row = int(other.argmax())
            raise InputError(
                f"column {self.name!r}, row {first + row + 1}: {numbers[row]:g}, where the "
                "training rows held only 0 and 1; train again with rows that show what the column can hold"
            )
        out[:, 0] = np.where(absent, 0.0, numbers)
        if self.missing:
            out[:, 1] = absent


def onehot_runs(places: Sequence[int], held: Mapping[int, ndarray]) -> list[range]:
    """Runs of adjacent boolean columns of which exactly one holds in every row, found by their values alone.

    A window moves over the columns once: where a row would hold twice, the window's left columns leave.

    Parameters
    ----------
    places
        Places of the boolean columns in the table, ascending.
    held
        Their values, 0 or 1, by place.

    Examples
    --------
    >>> a, b, c = np.array([1, 0, 0]), np.array([0, 1, 0]), np.array([0, 0, 1])
    >>> onehot_runs([4, 5, 6, 7], {4: np.array([1, 1, 0]), 5: a, 6: b, 7: c})
    [range(5, 8)]
    """
    runs: list[range] = []
    start = stop = 0
    total = np.zeros(0, np.int8)
    for stop, place in enumerate(places):
        if start == stop or place != places[stop - 1] + 1:
            start, total = stop, np.zeros_like(held[place])
        total = total + held[place]
        while total.max() > 1:
            total -= held[places[start]]
            start += 1
        if start < stop and total.min() == 1:
            runs.append(range(places[start], place + 1))
            start = stop + 1
    return runs
