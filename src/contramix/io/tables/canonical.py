"""Cast columns to a few canonical Arrow types, so that equal data give equal tables whatever their file format.

| input type | canonical type |
|---|---|
| bool | bool |
| signed and unsigned integers | int64; uint64 beyond int64 becomes float64 |
| float16, float32, float64, decimal | float64; NaN becomes null, infinities stay |
| string, large_string, string_view | large_string |
| date, timestamp of any unit and zone | timestamp("us") in UTC without a zone; finer units are truncated |
| dictionary (categorical) | the type of its values |
| a column of nulls only | float64 of nulls |
| lists of numbers, all of one length | fixed_size_list of float32 |

All other types (lists of anything else, structs, binary, durations, times of day, extension types) are rejected.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from contramix.errors import InputError, first_line, printable
from contramix.io.options import MAX_COLUMNS
from contramix.io.records import is_text

TIMESTAMP = pa.timestamp("us")
"""Canonical type of dates and times: microseconds since 1970 in UTC, stored without a time zone."""


def to_canonical(table: pa.Table, source: str = "") -> pa.Table:
    """Cast every column of a table to its canonical type, such as int64 for all integers.

    Parameters
    ----------
    table : pyarrow.Table
        Any table.
    source : str
        Name of the file in error messages. Default: messages name no file.

    Returns
    -------
    pyarrow.Table
        A table with one chunk per column and without schema metadata. `contramix.io.tables.canonical` lists the types.

    Raises
    ------
    InputError
        If two columns have the same name, if there are no columns or more than ``MAX_COLUMNS``, or if a column's type
        is not supported.

    Examples
    --------
    >>> to_canonical(pa.table({"n": pa.array([1, 2], pa.int8())})).schema.types
    [DataType(int64)]
    """
    names = check_names(table.column_names, source)
    columns = []
    for name, column in zip(names, table.columns, strict=True):
        try:
            columns.append(to_canonical_column(column))
        except (pa.ArrowException, ValueError) as error:
            raise InputError(f"{message_prefix(source)}column '{printable(name, 60)}': {_first_line(error)}") from None
    return pa.table(columns, names=names)


def to_canonical_column(column: pa.ChunkedArray) -> pa.Array:
    """Cast a column to its canonical type, such as int64 for all integers, and return it as one array.

    Raises
    ------
    ValueError
        If the column's type is not supported.
    """
    if pt.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if _is_list(column.type) and column.null_count < len(column):
        return _to_vectors(column)
    target = _target(column)
    if column.null_count == len(column):
        column = pa.chunked_array([pa.nulls(len(column), target)])  # not every type can be cast
    elif pt.is_float64(target):
        column = column.cast(target, safe=False)
        nan = pc.is_nan(column)
        if pc.any(nan).as_py():
            column = pc.if_else(nan, pa.scalar(None, target), column)
    elif target == TIMESTAMP:
        column = _in_microseconds(column)
    else:
        column = column.cast(target)
    if column.num_chunks == 1 and column.chunk(0).offset == 0:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], target)


def check_names(names: Sequence[object], source: str = "") -> list[str]:
    """Check the column names of a table, and return them as strings.

    ``source`` is the name of the file in error messages.

    Raises
    ------
    InputError
        If there are no names, if there are more than ``MAX_COLUMNS``, or if two are equal.
    """
    check_width(len(names), source)
    texts = [str(name) for name in names]
    twice = [name for name, times in Counter(texts).items() if times > 1]
    if twice:
        listed = ", ".join(f"'{printable(name, 60)}'" for name in twice[:10]) + ", ..." * (len(twice) > 10)
        raise InputError(
            f"{message_prefix(source)}duplicate column names: {listed}; rename them so that each is unique"
        )
    return texts


def check_width(count: int, source: str = "") -> None:
    """Check the number of columns of the file ``source``.

    Raises
    ------
    InputError
        If ``count`` is 0 or more than ``MAX_COLUMNS``.
    """
    if count == 0:
        raise InputError(f"{message_prefix(source)}no columns")
    if count > MAX_COLUMNS:
        raise InputError(
            f"{message_prefix(source)}{count} columns, at most {MAX_COLUMNS} are read: is the table transposed?"
        )


def describe_type(kind: pa.DataType) -> str:
    """Describe a canonical column type in words for messages, such as "a date" or "a vector of 384 numbers".

    Examples
    --------
    >>> describe_type(pa.large_string())
    'text'
    """
    if pt.is_boolean(kind):
        return "true or false"
    if pt.is_timestamp(kind):
        return "a date"
    if pt.is_fixed_size_list(kind):
        return f"a vector of {kind.list_size:,} numbers"
    return "text" if is_text(kind) else "a number"


def message_prefix(source: str) -> str:
    """Return the start of an error message about a file, such as ``data.csv: ``, or an empty text without a file."""
    return f"{source}: " if source else ""


def _is_list(kind: pa.DataType) -> bool:
    return bool(pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind))


def _to_vectors(column: pa.ChunkedArray) -> pa.FixedSizeListArray:
    """Convert lists of numbers to vectors of one length.

    Raises
    ------
    ValueError
        If the lists hold anything but numbers, or have different lengths.
    """
    lists = pa.concat_arrays(column.chunks)
    kind = lists.type.value_type
    if not _is_number(kind):
        raise ValueError(f"type {lists.type} cannot be used: lists must hold numbers; drop the column")
    lengths = pc.list_value_length(lists)
    size = lengths.drop_null()[0].as_py()
    other = pc.fill_null(pc.not_equal(lengths, size), False)
    if pc.any(other).as_py():
        row = pc.index(other, True).as_py()
        raise ValueError(
            f"lists of different lengths: {size} numbers in the first, {lengths[row]} in row {row + 1}; give vectors "
            "of one length"
        )
    if size == 0:
        raise ValueError("the lists are empty; drop the column")
    present = lists.drop_null()
    numbers = present.flatten().cast(pa.float64(), safe=False).cast(pa.float32(), safe=False)
    vectors = pa.FixedSizeListArray.from_arrays(numbers, size)
    if not lists.null_count:
        return vectors
    valid = np.asarray(lists.is_valid())
    return vectors.take(pa.array(np.where(valid, np.cumsum(valid) - 1, 0), mask=~valid))


def _target(column: pa.ChunkedArray) -> pa.DataType:
    kind = column.type
    if _is_list(kind) and _is_number(kind.value_type):  # no vector is known: to_canonical_column converts the others
        return pa.list_(pa.float32(), kind.list_size) if pt.is_fixed_size_list(kind) else pa.float64()
    if column.null_count == len(column) and len(column) and _is_read(kind):
        return pa.float64()
    if pt.is_boolean(kind):
        return pa.bool_()
    if pt.is_uint64(kind):
        beyond = pc.any(pc.greater(column, pa.scalar(2**63 - 1, pa.uint64()))).as_py()
        return pa.float64() if beyond else pa.int64()
    if pt.is_integer(kind):
        return pa.int64()
    if pt.is_floating(kind) or pt.is_decimal(kind) or pt.is_null(kind):
        return pa.float64()
    if is_text(kind):
        return pa.large_string()
    if pt.is_date(kind) or pt.is_timestamp(kind):
        return TIMESTAMP
    raise ValueError(f"type {kind} cannot be used: drop the column, or write it as numbers, text or dates")


def _is_read(kind: pa.DataType) -> bool:
    date = pt.is_date(kind) or pt.is_timestamp(kind)
    return bool(pt.is_boolean(kind) or _is_number(kind) or pt.is_null(kind) or date or is_text(kind))


def _in_microseconds(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pt.is_date32(column.type):
        return column.cast(pa.timestamp("s")).cast(TIMESTAMP)
    finer = pt.is_timestamp(column.type) and column.type.unit == "ns"
    return column.cast(TIMESTAMP, safe=not finer)


def _first_line(error: Exception) -> str:
    return first_line(error, 300)
