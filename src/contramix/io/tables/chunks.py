"""Read table files chunk by chunk, so that memory holds one chunk of a file of any length.

The concatenated chunks equal the table that `contramix.io.tables.reading.read` returns.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.types as pt

from contramix.errors import InputError, printable
from contramix.io.options import ReadOptions
from contramix.io.records import RecordChunks
from contramix.io.tables.canonical import describe_type, message_prefix, to_canonical
from contramix.io.tables.columnar import TABLE_READERS, iterate_tables, rows_per_chunk, stored_row_count
from contramix.io.tables.csv.chunks import DelimitedFile
from contramix.io.tables.frames import drop_pandas_index
from contramix.io.tables.opening import check_file, detect_format
from contramix.io.tables.reading import damaged_file_error, pandas_index_notes, read

_DEFAULTS = ReadOptions()


def read_chunks(path: str | os.PathLike[str], options: ReadOptions = _DEFAULTS) -> RecordChunks:
    """Prepare to read a table file, or all Parquet files of a folder, chunk by chunk.

    Column types and the number of rows are determined by this function. For CSV and npy files, it therefore reads the
    complete file, which is read a second time by iterating over the result. For Parquet and Arrow files, it reads only
    the first chunk, columns that are all null in it, uint64 columns, and, in Arrow files, one column to count the rows.
    JSONL and npz files are loaded into memory completely.

    Parameters
    ----------
    path
        The file, or a folder of Parquet files. The files of a folder are read in the order of their names.
    options
        How to read delimited files, as in `contramix.io.tables.reading.read`.

    Returns
    -------
    RecordChunks
        The schema, the number of rows, and an iterable over chunks (Arrow tables) that all have this schema.

    Raises
    ------
    InputError
        If the file cannot be read, or the files of a folder have different columns. While iterating, if a file turns
        out to be damaged.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("age,job\\n39,clerk\\n?,nurse\\n")
    >>> found = read_chunks(path)
    >>> found.rows, [chunk.to_pydict() for chunk in found]
    (2, [{'age': [39, None], 'job': ['clerk', 'nurse']}])
    """
    if list_parquet_files(path):
        return _read_folder(path, options)
    source = printable(path)
    check_file(path)
    try:
        kind = detect_format(path)
    except OSError as error:
        raise damaged_file_error(source, error) from None
    if kind in TABLE_READERS:
        return _read_typed_file(path, kind, source)
    if kind == "delimited":
        file = DelimitedFile(path, options)
        return RecordChunks(
            file.schema, file.rows, _rechunk(file.tables, file.schema, source), file.notes, file.empty_columns
        )
    reading = read(path, options)
    table = reading.table
    empty = frozenset(name for name in table.column_names if table.column(name).null_count == table.num_rows)
    read_rows = _rechunk(lambda start: iter([table.slice(start)]), table.schema, source)
    return RecordChunks(table.schema, table.num_rows, read_rows, reading.notes, empty)


def list_parquet_files(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the Parquet files of a folder, sorted by name, or an empty list if ``folder`` is not a folder.

    Only files ending in ``.parquet`` or ``.pq`` are found. Files whose name starts with a dot or an underscore are
    ignored, and subfolders are not searched.
    """
    if not os.path.isdir(folder):
        return []
    there = sorted(Path(os.fsdecode(folder)).iterdir())
    return [file for file in there if file.suffix in (".parquet", ".pq") and file.name[0] not in "._"]


def _read_typed_file(path: str | os.PathLike[str], kind: str, source: str) -> RecordChunks:
    """Prepare to read a file of a format that stores column types, chunk by chunk.

    ``kind`` is the format: ``parquet``, ``arrow``, ``stream`` or ``npy``. ``source`` is the name of the file in error
    messages. Columns whose first chunk is all null, and uint64 columns, are read completely in advance, because their
    canonical types depend on the values: uint64 becomes float64 if a value exceeds the range of int64.
    """
    head = next(iterate_tables(path, kind, source), None)
    if head is None:
        raise InputError(f"{source}: no rows")
    head, index = drop_pandas_index(head)
    types = _column_types(head, source)
    unsettled = [field.name for field in head.schema if field.name not in types or _is_uint64(field.type)]
    rows = stored_row_count(path, kind)
    if unsettled or rows is None:
        rows = 0
        for table in iterate_tables(path, kind, source, names=unsettled or head.column_names[:1]):
            rows += table.num_rows
            for name, found in _column_types(table.select(unsettled), source).items() if unsettled else ():
                types[name] = found if types.get(name) != pa.float64() else pa.float64()
    schema = pa.schema([(name, types.get(name, pa.float64())) for name in head.column_names])
    read_rows = _rechunk(lambda start: iterate_tables(path, kind, source, start), schema, source)
    return RecordChunks(schema, rows, read_rows, pandas_index_notes(index), frozenset(head.column_names) - set(types))


def _column_types(table: pa.Table, source: str) -> dict[str, pa.DataType]:
    """Return a dictionary from the name of each column of a table to its canonical type, without all-null columns.

    ``source`` is the name of the file in error messages.
    """
    found = to_canonical(table, source)
    return {name: c.type for name, c in zip(found.column_names, found.columns) if c.null_count < len(c)}


def _is_uint64(kind: pa.DataType) -> bool:
    return bool(pt.is_uint64(kind.value_type if pt.is_dictionary(kind) else kind))


def _read_folder(folder: str | os.PathLike[str], options: ReadOptions) -> RecordChunks:
    """Prepare to read the Parquet files of a folder as one table, chunk by chunk, with columns matched by name.

    An integer column becomes float64 if the same column of another file is float64.
    """
    files = list_parquet_files(folder)
    parts = [read_chunks(file, options) for file in files]
    names = parts[0].schema.names
    schema = pa.schema([(name, _common_type(name, files, parts)) for name in names])
    empty = frozenset.intersection(*(part.empty_columns for part in parts))
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))

    def read_rows(start: int, stop: int) -> Iterator[pa.Table]:
        for part in parts:
            if start < part.rows and stop > 0:
                for table in part.read_rows(max(0, start), min(stop, part.rows)):
                    yield _cast_to(table.select(names), schema, printable(folder))
            start, stop = start - part.rows, stop - part.rows

    *starts, rows = accumulate((part.rows for part in parts), initial=0)
    return RecordChunks(schema, rows, read_rows, notes, empty, file_starts=tuple(starts))


def _common_type(name: str, files: Sequence[Path], parts: Sequence[RecordChunks]) -> pa.DataType:
    found: dict[pa.DataType, Path] = {}
    for file, part in zip(files, parts, strict=True):
        if name not in part.schema.names or len(part.schema) != len(parts[0].schema):
            odd = sorted(set(part.schema.names) ^ set(parts[0].schema.names))
            listed = ", ".join(f"'{printable(n, 60)}'" for n in odd[:10])
            raise InputError(
                f"{printable(file)}: other columns than {printable(files[0].name)} in the same folder: {listed}; "
                "write all files of a folder with the same columns"
            )
        if name not in part.empty_columns:
            found.setdefault(part.schema.field(name).type, file)
    kinds = set(found)
    if len(kinds) <= 1:
        return kinds.pop() if kinds else pa.float64()
    if kinds == {pa.int64(), pa.float64()}:
        return pa.float64()
    (first, at), (other, file) = list(found.items())[:2]
    raise InputError(
        f"{printable(file)}, column '{printable(name, 60)}': {describe_type(other)}, and {describe_type(first)} in "
        f"{printable(at.name)} in the same folder: write all files of a folder with the same columns"
    )


def _rechunk(
    tables: Callable[[int], Iterator[pa.Table]], schema: pa.Schema, source: str
) -> Callable[[int, int], Iterator[pa.Table]]:
    """Return a function ``read_rows(start, stop)`` that yields the rows ``start`` to ``stop - 1`` of a file in chunks.

    Each chunk is a table of `rows_per_chunk` rows, except the last one, which may be shorter.

    Parameters
    ----------
    tables
        Function that takes the number of the first row to read, and yields the rows from there to the end of the file
        as tables of any size.
    schema
        Names and types of the columns of the chunks.
    source
        Name of the file in error messages.
    """
    size = rows_per_chunk(sum(kind.list_size if pt.is_fixed_size_list(kind) else 1 for kind in schema.types))

    def read_rows(start: int, stop: int) -> Iterator[pa.Table]:
        waiting: list[pa.Table] = []
        for table in tables(start):
            table = table.select(schema.names).slice(0, stop - start)
            start += table.num_rows
            waiting.append(table)
            while (held := sum(t.num_rows for t in waiting)) >= size or (start == stop and held):
                joined = pa.concat_tables(waiting)
                yield _cast_to(to_canonical(joined.slice(0, size), source), schema, source)
                waiting = [joined.slice(size)]
            if start == stop:
                return

    return read_rows


def _cast_to(table: pa.Table, schema: pa.Schema, source: str) -> pa.Table:
    """Cast the columns of a chunk to the types in ``schema``, the schema of the complete file.

    The types of a chunk may differ from it, for example if all values of a column are null in the chunk. ``source`` is
    the name of the file in error messages.

    Raises
    ------
    InputError
        If a chunk holds vectors of another length.
    """
    for field, column in zip(schema, table.columns, strict=True):
        if pt.is_fixed_size_list(field.type) and column.type != field.type and column.null_count < len(column):
            raise InputError(
                f"{message_prefix(source)}column '{printable(field.name, 60)}': {describe_type(column.type)} after "
                f"{describe_type(field.type)}; give vectors of one length"
            )
    columns = [
        column
        if column.type == field.type
        else pa.nulls(len(column), field.type)
        if column.null_count == len(column)
        else column.cast(field.type, safe=False)
        for field, column in zip(schema, table.columns, strict=True)
    ]
    return pa.table(columns, schema=schema)
