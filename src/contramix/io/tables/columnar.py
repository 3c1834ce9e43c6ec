"""Read Parquet, Arrow IPC and npy files from a given row on, as a sequence of Arrow tables of limited size."""

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
"""Maximum number of rows of a chunk."""
CELLS = 1 << 22
"""Maximum number of cells (rows times columns) of a chunk."""

_BUFFER_BYTES = 1 << 26
"""Total size of the read buffers of all columns of a Parquet file. It limits the memory that large row groups need."""

Path = str | os.PathLike[str]


def rows_per_chunk(columns: int) -> int:
    """Return how many rows a chunk of a table with the given number of columns has.

    The result is the largest power of two for which a chunk has at most ``ROWS`` rows and ``CELLS`` cells.

    Examples
    --------
    >>> rows_per_chunk(54), rows_per_chunk(10_000)
    (65536, 256)
    """
    return min(ROWS, 1 << (CELLS // max(1, columns)).bit_length() - 1)


def iterate_tables(
    path: Path, kind: str, source: str, start: int = 0, names: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """Yield the rows of a file, from row ``start`` to the last, as tables with the column types stored in the file.

    The buffers of each table are validated, because a damaged file could otherwise crash the process.

    Parameters
    ----------
    path
        The file.
    kind
        Its format: ``parquet``, ``arrow`` (Arrow IPC file), ``stream`` (Arrow IPC stream) or ``npy``.
    source
        Name of the file in error messages.
    start
        Number of the first row to read.
    names
        Names of the columns to read. Default: all columns. For npy files it is ignored, and all columns are read.

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
    """Return the number of rows that the metadata of a Parquet file states, or None for other formats.

    ``kind`` is the file's format, as in `iterate_tables`.
    """
    if kind == "parquet":
        with open(path, "rb") as file, ParquetFile(file) as parquet:
            return int(parquet.metadata.num_rows)
    return None


def _parquet(path: Path, start: int, names: Sequence[str] | None) -> Iterator[pa.Table]:
    with open(path, "rb") as file, ParquetFile(file) as parquet:
        buffer = min(1 << 20, max(1 << 12, _BUFFER_BYTES // max(1, parquet.metadata.num_columns)))
    with (
        open(path, "rb") as file,
        # Pre-buffered data would stay in memory until the end of the file.
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
        options = _select_fields(reader.schema, names)
        count = reader.num_record_batches
    with pa.ipc.open_file(source, options=options) as reader:
        yield from _slice_batches(start, (reader.get_batch(n) for n in range(count)))


def _stream(path: Path, start: int, names: Sequence[str] | None) -> Iterator[pa.Table]:
    source = _mapped(path)
    with pa.ipc.open_stream(source) as reader:
        options = _select_fields(reader.schema, names)
    with pa.ipc.open_stream(source, options=options) as reader:
        yield from _slice_batches(start, reader)


def _mapped(path: Path) -> pa.Buffer:
    """Map a file into memory, and return the mapping as a buffer. Bytes are read from disk when they are accessed."""
    with open(path, "rb") as file:
        return pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _select_fields(schema: pa.Schema, names: Sequence[str] | None) -> pa.ipc.IpcReadOptions:
    fields = None if names is None else [schema.get_field_index(name) for name in names]
    return pa.ipc.IpcReadOptions(included_fields=fields)


def _slice_batches(start: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Yield the rows of successive record batches, without the first ``start`` rows, as tables.

    Each table has at most `rows_per_chunk` rows.
    """
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
    except (ValueError, TypeError):  # no rows, no dimensions, truncated, or Python objects
        with open(path, "rb") as file:
            yield to_arrow(np.load(file, allow_pickle=False)).slice(start)
        return
    size = ROWS
    while start < rows:
        # Each chunk maps the file again, so that the pages of earlier chunks are released.
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
"""Functions that yield the tables of a file, by format. They take the path, the first row and the columns to read."""
