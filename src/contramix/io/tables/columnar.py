"""Files of typed columns, as tables of a size that is easy to hold: Parquet, Arrow IPC and npy, from any row on."""

import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyarrow.parquet import ParquetFile

from contramix.errors import InputError
from contramix.io.tables.frames import from_array, to_arrow
from contramix.io.tables.reading import DAMAGED_FILE_ERRORS, damaged_file_error

ROWS = 1 << 16
"""Rows of a portion, at most ..."""
CELLS = 1 << 22
"""... and cells."""

_BUFFER_BYTES = 1 << 26
"""Of all columns of a Parquet file together, so that a row group may be of any size."""

Path = str | os.PathLike[str]


def rows_per_chunk(columns: int) -> int:
    """Rows of a portion: a power of two, so that portions fit into the shards of a file.

    Examples
    --------
    >>> rows_per_chunk(54), rows_per_chunk(10_000)
    (65536, 256)
    """
    return min(ROWS, 1 << (CELLS // max(1, columns)).bit_length() - 1)


def iterate_tables(
    path: Path, kind: str, source: str, start: int = 0, names: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The rows from ``start`` on as they are stored, of some columns or all; checked, since nobody vouches for them.

    Raises
    ------
    InputError
        If the file is truncated or damaged.
    """
    try:
        for table in TABLE_READERS[kind](path, start, names):
            table.validate(full=True)
            if table.num_rows:
                yield table
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    except DAMAGED_FILE_ERRORS as error:
        raise damaged_file_error(source, error) from None


def stored_row_count(path: Path, kind: str) -> int | None:
    """How many rows there are, where the file says it at its head or foot."""
    if kind == "parquet":
        with open(path, "rb") as file, ParquetFile(file) as parquet:
            return int(parquet.metadata.num_rows)
    return None


def _parquet(path: Path, start: int, names: Sequence[str] | None) -> Iterator[pa.Table]:
    with open(path, "rb") as file, ParquetFile(file) as parquet:
        buffer = min(1 << 20, max(1 << 12, _BUFFER_BYTES // max(1, parquet.metadata.num_columns)))
    with (
        open(path, "rb") as file,
        # A buffer that is filled ahead is kept to the end of the file.
        ParquetFile(file, page_checksum_verification=True, buffer_size=buffer, pre_buffer=False) as parquet,
    ):
        groups = list(range(parquet.num_row_groups))
        while groups and start >= (rows := parquet.metadata.row_group(groups[0]).num_rows):
            start -= rows
            del groups[0]
        size = rows_per_chunk(len(parquet.schema_arrow))
        for batch in parquet.iter_batches(size, groups, columns=names):
            yield pa.Table.from_batches([batch.slice(start)])
            start = max(0, start - batch.num_rows)


def _arrow(path: Path, start: int, names: Sequence[str] | None) -> Iterator[pa.Table]:
    source = _mapped(path)
    with pa.ipc.open_file(source) as reader:
        options = _only(reader.schema, names)
        count = reader.num_record_batches
    with pa.ipc.open_file(source, options=options) as reader:
        yield from _from(start, (reader.get_batch(n) for n in range(count)))


def _stream(path: Path, start: int, names: Sequence[str] | None) -> Iterator[pa.Table]:
    source = _mapped(path)
    with pa.ipc.open_stream(source) as reader:
        options = _only(reader.schema, names)
    with pa.ipc.open_stream(source, options=options) as reader:
        yield from _from(start, reader)


def _mapped(path: Path) -> pa.Buffer:
    """The file's bytes, which the system reads when they are looked at: a batch may be as large as the file."""
    with open(path, "rb") as file:
        return pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _only(schema: pa.Schema, names: Sequence[str] | None) -> pa.ipc.IpcReadOptions:
    fields = None if names is None else [schema.get_field_index(name) for name in names]
    return pa.ipc.IpcReadOptions(included_fields=fields)


def _from(start: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Their rows from ``start`` on, in pieces that are easy to hold when they are copied."""
    for batch in batches:
        table = pa.Table.from_batches([batch])
        size = rows_per_chunk(table.num_columns)
        for first in range(start, table.num_rows, size):
            yield table.slice(first, size)
        start = max(0, start - table.num_rows)


def _npy(path: Path, start: int, names: Sequence[str] | None) -> Iterator[pa.Table]:
    name = os.fsdecode(path)
    try:
        rows = len(np.load(name, mmap_mode="r", allow_pickle=False))
    except (ValueError, TypeError):  # of no rows or dimensions, truncated, or of Python objects
        with open(path, "rb") as file:
            yield to_arrow(np.load(file, allow_pickle=False)).slice(start)
        return
    size = ROWS
    while start < rows:
        # Mapped anew for each portion: the pages of those before it go.
        table = from_array(np.load(name, mmap_mode="r", allow_pickle=False)[start : start + size])
        yield table
        start += len(table)
        size = rows_per_chunk(table.num_columns)


TABLE_READERS: dict[str, Callable[[Path, int, Sequence[str] | None], Iterator[pa.Table]]] = {
    "parquet": _parquet,
    "arrow": _arrow,
    "stream": _stream,
    "npy": _npy,
}
