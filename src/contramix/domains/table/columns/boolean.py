"""Columns of two values, and groups of them that are one column written as several."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float32
from numpy import ndarray

from contramix.domains.table.columns.column import Column, Element, quantities
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


class OneHot:
    """Finds runs of adjacent boolean columns of which exactly one holds in every row, by their values alone.

    A row in which two columns hold keeps them apart, and of each column only the nearest such one before it matters; a
    run without any is a group if its columns hold as often as there are rows.

    Parameters
    ----------
    places
        Places of the boolean columns in the table, ascending.

    Examples
    --------
    >>> found = OneHot([4, 5, 6, 7])
    >>> found.see([np.array([1, 1, 0]), np.array([1, 0, 0]), np.array([0, 1, 0]), np.array([0, 0, 1])])
    >>> found.runs()
    [range(5, 8)]
    """

    def __init__(self, places: Sequence[int]) -> None:
        self._places = places
        self._rows = 0
        self._times = [0] * len(places)
        self._apart = [-1] * len(places)
        """Which column before it, the nearest, has held in a row in which it did."""

    def see(self, held: Sequence[ndarray]) -> None:
        """Take note of some rows: the values of each column, 0 or 1."""
        if not held:
            return
        last = np.full(len(held[0]), -1)
        for n, values in enumerate(held):
            rows = np.flatnonzero(values)
            self._times[n] += len(rows)
            self._apart[n] = max(self._apart[n], int(last[rows].max(initial=-1)))
            last[rows] = n
        self._rows += len(last)

    def runs(self) -> list[range]:
        """The groups, as places in the table."""
        runs: list[range] = []
        start = 0
        for n, place in enumerate(self._places):
            if n and place != self._places[n - 1] + 1:
                start = n
            start = max(start, self._apart[n] + 1)
            if start <= n and sum(self._times[start : n + 1]) == self._rows:
                runs.append(range(self._places[start], place + 1))
                start = n + 1
        return runs
