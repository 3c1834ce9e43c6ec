"""Encode boolean columns, and find groups of them that are the one-hot encoding of one category column."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float32
from numpy import ndarray

from contramix.domains.table.columns.column import Element, InputColumn, as_numbers
from contramix.errors import InputError


class Boolean(InputColumn):
    """Encode a column of booleans, or of the numbers 0 and 1, as one element of a row's vector.

    A second element flags missing values if the training rows have any.

    Parameters
    ----------
    group
        Index of the one-hot group that the column belongs to; None if it belongs to none. A group consists of adjacent
        columns of which exactly one is 1 in every training row. When two rows are mixed, all
        columns of the group are copied from the same row.
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
    """Find groups of adjacent boolean columns of which exactly one is 1 in every row, as in a one-hot encoding.

    Two columns conflict, and cannot be in the same group, if both are 1 in some row. For each column, only the nearest
    earlier column that conflicts with it is stored. Adjacent columns without conflicts are a group if the total number
    of ones in them equals the number of rows.

    Call :meth:`update` with each chunk of rows, then :meth:`finish`.

    Parameters
    ----------
    positions
        Position of each boolean column among all columns, in ascending order.

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
        """For each column, the index of the nearest earlier column that is 1 in the same row; -1 if there is none."""

    def update(self, values: Sequence[ndarray]) -> None:
        """Process the next chunk of rows. ``values`` holds, for each boolean column, an array of zeros and ones."""
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
        """Return the one-hot groups of all rows seen, each as the range of its columns' positions in the table.

        A group is a run of adjacent boolean columns of which exactly one is 1 in every row. Other columns are in none.
        """
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
