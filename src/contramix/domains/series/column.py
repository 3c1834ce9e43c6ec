"""Store time series in a column of an Arrow table: a list of steps per row, and a float32 per channel in each step."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64
from numpy import ndarray

from contramix.domains.content_column import ContentColumn
from contramix.errors import InputError

SERIES = "series"
"""Name of the column of time series."""


def count_channels(column_type: pa.DataType) -> int | None:
    """Return the number of channels of the time series in a column of an Arrow type; None if it holds no series.

    Each cell is a large list of steps, and each step a fixed-size list with one float32 per channel.
    """
    if not (pa.types.is_large_list(column_type) and pa.types.is_fixed_size_list(column_type.value_type)):
        return None
    return column_type.value_type.list_size if column_type.value_type.value_type == pa.float32() else None


CONTENT = ContentColumn(
    SERIES,
    records="series",
    accepts=lambda column_type: count_channels(column_type) is not None,
    advice="read .ts files or a table of series, or give arrays (channels, steps)",
)


class Steps(NamedTuple):
    """Represent the n time series of a table as one array, in which their steps are concatenated: N steps in total.

    Parameters
    ----------
    values : ndarray
        Array of shape (N, C): one row per step, one column per channel.
    lengths : ndarray
        Number of steps of each series, shape (n,).
    """

    values: Float32[ndarray, " N C"]
    lengths: Int64[ndarray, " n"]

    @property
    def step_numbers(self) -> Int64[ndarray, " N"]:
        """Return the index of each step within its series, counted from 0."""
        return np.asarray(np.arange(len(self.values)) - np.repeat(self.lengths.cumsum() - self.lengths, self.lengths))


def as_column(series: Sequence[Float32[ndarray, " C _"]], channels: int) -> pa.Array:
    """Convert arrays of shape (channels, steps), which may differ in length, to an Arrow array with one row per series.

    All series have the given number of ``channels``.

    Examples
    --------
    >>> column = as_column([np.ones((2, 3), np.float32), np.zeros((2, 1), np.float32)], 2)
    >>> len(column), str(column.type)
    (2, 'large_list<item: fixed_size_list<item: float>[2]>')
    """
    offsets = np.cumsum([0, *(one.shape[1] for one in series)], dtype=np.int64)
    flat = np.concatenate([one.T for one in series]) if len(series) else np.zeros((0, channels), np.float32)
    steps = pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), channels)
    return pa.LargeListArray.from_arrays(pa.array(offsets), steps)


def extract_steps(table: pa.Table) -> Steps:
    """Return the time series of a table as one array of their concatenated steps, with the length of each series.

    Raises
    ------
    InputError
        If the table has no column of time series, or a value is missing.
    """
    column = CONTENT.select(table).combine_chunks()
    lengths = column.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    steps = column.flatten()
    if steps.null_count or steps.flatten().null_count:
        raise InputError(f"the column {SERIES!r} has steps without a value")
    return Steps(steps.flatten().to_numpy(zero_copy_only=False).reshape(-1, count_channels(column.type)), lengths)


def store_source_columns(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Return a copy of a table of series whose column ``series`` has the names ``columns`` in its metadata.

    The names are those of the columns of the user's table that became the steps (wide format, one row per series) or
    the channels (long format, one row per step) of the series.
    """
    return CONTENT.annotate(table, {"columns": json.dumps(list(columns))})


def read_source_columns(table: pa.Table) -> tuple[str, ...]:
    """Return the names of the columns of the user's table that became the steps or channels of series.

    They were stored by :func:`store_source_columns`. Return an empty tuple if the series did not come from a table.
    """
    return tuple(json.loads(CONTENT.metadata(table).get("columns", "[]")))
