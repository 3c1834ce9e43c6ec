"""The column of series: each a list of steps, each step one number a channel."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64
from numpy import ndarray

from contramix.errors import InputError

SERIES = "series"
"""Its name."""
_COLUMNS = b"columns"


class Steps(NamedTuple):
    """The steps of all series, one series behind the other."""

    values: Float32[ndarray, " N C"]
    lengths: Int64[ndarray, " n"]

    @property
    def number(self) -> Int64[ndarray, " N"]:
        """Which of its series' steps each is, from 0."""
        return np.asarray(np.arange(len(self.values)) - np.repeat(self.lengths.cumsum() - self.lengths, self.lengths))


def as_column(series: Sequence[Float32[ndarray, " C _"]], channels: int) -> pa.Array:
    """Arrays (channels, steps) as a column.

    Examples
    --------
    >>> column = as_column([np.ones((2, 3), np.float32), np.zeros((2, 1), np.float32)], 2)
    >>> len(column), str(column.type)
    (2, 'large_list<item: fixed_size_list<item: float>[2]>')
    """
    ends = np.cumsum([0, *(one.shape[1] for one in series)], dtype=np.int64)
    flat = np.concatenate([one.T for one in series]) if len(series) else np.zeros((0, channels), np.float32)
    steps = pa.FixedSizeListArray.from_arrays(pa.array(flat.reshape(-1)), channels)
    return pa.LargeListArray.from_arrays(pa.array(ends), steps)


def channels_of(kind: pa.DataType) -> int | None:
    """How many channels a column of a type has; None where it holds no series."""
    if not (pa.types.is_large_list(kind) and pa.types.is_fixed_size_list(kind.value_type)):
        return None
    return kind.value_type.list_size if kind.value_type.value_type == pa.float32() else None


def steps_of(table: pa.Table) -> Steps:
    """What the column of series holds.

    Raises
    ------
    InputError
        There is none, or it holds something else.
    """
    if SERIES not in table.column_names:
        raise InputError(f"there is no column {SERIES!r}: read .ts files or a table of series, or give arrays")
    column = table.column(SERIES)
    channels = channels_of(column.type)
    if channels is None:
        raise InputError(f"the column {SERIES!r} holds {column.type}, not series: give arrays (channels, steps)")
    whole = column.combine_chunks()
    if whole.null_count:
        raise InputError(f"the column {SERIES!r} has {whole.null_count:,} rows without a series")
    lengths = whole.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    steps = whole.flatten()
    if steps.null_count or steps.flatten().null_count:
        raise InputError(f"the column {SERIES!r} has steps without a value")
    return Steps(steps.flatten().to_numpy(zero_copy_only=False).reshape(-1, channels), lengths)


def with_columns(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The table with a note, at its column of series, of the columns of which they were made."""
    at = table.column_names.index(SERIES)
    column = table.column(SERIES)
    return table.set_column(at, pa.field(SERIES, column.type, metadata={_COLUMNS: json.dumps(list(columns))}), column)


def columns_noted(table: pa.Table) -> tuple[str, ...]:
    """The columns of which series were made; none where they were no table."""
    noted = (table.schema.field(SERIES).metadata or {}).get(_COLUMNS)
    return tuple(json.loads(noted)) if noted else ()
