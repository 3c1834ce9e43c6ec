"""Encode columns of two values, and find groups of them that are the one-hot encoding of one column."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float32
from numpy import ndarray

from contramix.domains.table.columns.column import Element, InputColumn, as_numbers
from contramix.errors import InputError


class Boolean(InputColumn):
    """Encode 0 and 1, or false and true, as one element.

    Parameters
    ----------
    group
        Number of the one-hot group that the column belongs to; None if it belongs to none. A group is adjacent
        columns of which exactly one is 1 in every training row. Typed mixing copies its elements together.
    """

    kind: Literal["boolean"] = "boolean"
    group: int | None = None

    @property
    def elements(self) -> list[Element]:
        return [Element("category"), *([Element("flag")] if self.missing else [])]

    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first_row: int) -> None:
        numbers = as_numbers(self, values, "boolean", infinite, first_row)
        known = (numbers == 0) | (numbers == 1)
        if known.all():
            out[:, 0] = numbers
            return
        absent = np.isnan(numbers)
        other = ~(absent | known)
        if other.any():
            row = int(other.argmax())
            raise InputError(
                f"column {self.name!r}, row {first_row + row + 1}: {numbers[row]:g}, where the "
                "training rows held only 0 and 1; train again with rows that show what the column can hold"
            )
        out[:, 0] = np.where(absent, 0.0, numbers)
        if self.missing:
            out[:, 1] = absent


class OneHotRuns:
    """Find runs of adjacent boolean columns of which exactly one is 1 in every row.

    Two columns that are 1 in the same row cannot be in one run; for each column only the nearest such column before it
    matters. A run in which no two are is a group if its columns are 1 as many times as there are rows.

    Parameters
    ----------
    positions
        Positions of the boolean columns in the table, ascending.

    Examples
    --------
    >>> runs = OneHotRuns([4, 5, 6, 7])
    >>> runs.update([np.array([1, 1, 0]), np.array([1, 0, 0]), np.array([0, 1, 0]), np.array([0, 0, 1])])
    >>> runs.finish()
    [range(5, 8)]
    """

    def __init__(self, positions: Sequence[int]) -> None:
        self._positions = positions
        self._rows = 0
        self._ones = [0] * len(positions)
        self._conflict = [-1] * len(positions)
        """For each column, the nearest column before it that was 1 in the same row; -1 if there is none."""

    def update(self, values: Sequence[ndarray]) -> None:
        """Add the next rows: the values, 0 or 1, of each column."""
        if not values:
            return
        last = np.full(len(values[0]), -1)
        for n, column in enumerate(values):
            rows = np.flatnonzero(column)
            self._ones[n] += len(rows)
            self._conflict[n] = max(self._conflict[n], int(last[rows].max(initial=-1)))
            last[rows] = n
        self._rows += len(last)

    def finish(self) -> list[range]:
        """Return the groups, as positions in the table."""
        runs: list[range] = []
        start = 0
        for n, position in enumerate(self._positions):
            if n and position != self._positions[n - 1] + 1:
                start = n
            start = max(start, self._conflict[n] + 1)
            if start <= n and sum(self._ones[start : n + 1]) == self._rows:
                runs.append(range(self._positions[start], position + 1))
                start = n + 1
        return runs
