"""Tables read a portion at a time: memory holds one, however long the file. Together they are what `read` gives."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.types as pt

from contramix.errors import InputError, printable
from contramix.io.options import ReadOptions
from contramix.io.records import RecordChunks
from contramix.io.tables.canonical import describe_type, to_canonical
from contramix.io.tables.columnar import TABLE_READERS, iterate_tables, rows_per_chunk, stored_row_count
from contramix.io.tables.csv.chunks import DelimitedFile
from contramix.io.tables.frames import drop_pandas_index
from contramix.io.tables.opening import check_file, detect_format
from contramix.io.tables.reading import damaged_file_error, pandas_index_notes, read

_DEFAULTS = ReadOptions()


def read_chunks(path: str | os.PathLike[str], options: ReadOptions = _DEFAULTS) -> RecordChunks:
    """Look at a file, or a folder of Parquet files in order of their names, and read it portion by portion.

    The types of the columns are known, and a CSV is checked from end to end, before the first portion comes: a CSV is
    read twice, of other files only columns that begin with nothing. JSONL and npz are held whole.

    Parameters
    ----------
    path, options
        As of `contramix.io.tables.reading.read`; or a folder.

    Raises
    ------
    InputError
        As `read` raises; also while portions are read, where a file is damaged further down.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("age,job\\n39,clerk\\n?,nurse\\n")
    >>> found = read_chunks(path)
    >>> found.rows, [portion.to_pydict() for portion in found]
    (2, [{'age': [39, None], 'job': ['clerk', 'nurse']}])
    """
    if list_parquet_files(path):
        return _of_folder(path, options)
    source = printable(path)
    check_file(path)
    try:
        kind = detect_format(path)
    except OSError as error:
        raise damaged_file_error(source, error) from None
    if kind in TABLE_READERS:
        return _of_columns(path, kind, source)
    if kind == "delimited":
        file = DelimitedFile(path, options)
        return RecordChunks(
            file.schema, file.rows, _cut(file.tables, file.schema, source), file.notes, file.empty_columns
        )
    reading = read(path, options)
    table = reading.table
    empty = frozenset(name for name in table.column_names if table.column(name).null_count == table.num_rows)
    cut = _cut(lambda start: iter([table.slice(start)]), table.schema, source)
    return RecordChunks(table.schema, table.num_rows, cut, reading.notes, empty)


def list_parquet_files(folder: str | os.PathLike[str]) -> list[Path]:
    """The Parquet files of a folder, in order of their names; none if it is no folder, or holds none.

    Hidden files, and what a job leaves beside its parts (``_SUCCESS``), do not count.
    """
    if not os.path.isdir(folder):
        return []
    there = sorted(Path(os.fsdecode(folder)).iterdir())
    return [file for file in there if file.suffix in (".parquet", ".pq") and file.name[0] not in "._"]


def _of_columns(path: str | os.PathLike[str], kind: str, source: str) -> RecordChunks:
    """A file that says what its columns are, except where that depends on values: a column of nothing is float64, and
    so is one of uint64 that goes beyond int64."""
    head = next(iterate_tables(path, kind, source), None)
    if head is None:
        raise InputError(f"{source}: no rows")
    head, index = drop_pandas_index(head)
    types = _types_of(head, source)
    unsettled = [field.name for field in head.schema if field.name not in types or _is_uint64(field.type)]
    rows = stored_row_count(path, kind)
    if unsettled or rows is None:
        rows = 0
        for table in iterate_tables(path, kind, source, names=unsettled or head.column_names[:1]):
            rows += table.num_rows
            for name, found in _types_of(table.select(unsettled), source).items() if unsettled else ():
                types[name] = found if types.get(name) != pa.float64() else pa.float64()
    schema = pa.schema([(name, types.get(name, pa.float64())) for name in head.column_names])
    cut = _cut(lambda start: iterate_tables(path, kind, source, start), schema, source)
    return RecordChunks(schema, rows, cut, pandas_index_notes(index), frozenset(head.column_names) - set(types))


def _types_of(table: pa.Table, source: str) -> dict[str, pa.DataType]:
    """The canonical types of columns that have a value."""
    found = to_canonical(table, source)
    return {name: c.type for name, c in zip(found.column_names, found.columns) if c.null_count < len(c)}


def _is_uint64(kind: pa.DataType) -> bool:
    return bool(pt.is_uint64(kind.value_type if pt.is_dictionary(kind) else kind))


def _of_folder(folder: str | os.PathLike[str], options: ReadOptions) -> RecordChunks:
    """The rows of all files, one after the other; columns are found by name."""
    files = list_parquet_files(folder)
    parts = [read_chunks(file, options) for file in files]
    names = parts[0].schema.names
    schema = pa.schema([(name, _common_type(name, files, parts)) for name in names])
    empty = frozenset.intersection(*(part.empty_columns for part in parts))
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))

    def between(start: int, stop: int) -> Iterator[pa.Table]:
        for part in parts:
            if start < part.rows and stop > 0:
                for table in part.read_rows(max(0, start), min(stop, part.rows)):
                    yield _in(table.select(names), schema)
            start, stop = start - part.rows, stop - part.rows

    *starts, rows = accumulate((part.rows for part in parts), initial=0)
    return RecordChunks(schema, rows, between, notes, empty, file_starts=tuple(starts))


def _common_type(name: str, files: Sequence[Path], parts: Sequence[RecordChunks]) -> pa.DataType:
    found: dict[pa.DataType, Path] = {}
    for file, part in zip(files, parts, strict=True):
        if name not in part.schema.names or len(part.schema) != len(parts[0].schema):
            odd = sorted(set(part.schema.names) ^ set(parts[0].schema.names))
            listed = ", ".join(f"'{printable(n, 60)}'" for n in odd[:10])
            raise InputError(
                f"{printable(file)}: other columns than {printable(files[0].name)} beside it: {listed}; "
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
        f"{printable(at.name)} beside it: write all files of a folder with the same columns"
    )


def _cut(
    tables: Callable[[int], Iterator[pa.Table]], schema: pa.Schema, source: str
) -> Callable[[int, int], Iterator[pa.Table]]:
    """From tables of any size, from some row on, to portions of like size and of these types."""
    size = rows_per_chunk(len(schema))

    def between(start: int, stop: int) -> Iterator[pa.Table]:
        waiting: list[pa.Table] = []
        for table in tables(start):
            table = table.select(schema.names).slice(0, stop - start)
            start += table.num_rows
            waiting.append(table)
            while (held := sum(t.num_rows for t in waiting)) >= size or (start == stop and held):
                joined = pa.concat_tables(waiting)
                yield _in(to_canonical(joined.slice(0, size), source), schema)
                waiting = [joined.slice(size)]
            if start == stop:
                return

    return between


def _in(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table of canonical types in the types that it has as a part: a column of nothing has another, of nothing."""
    columns = [
        column
        if column.type == field.type
        else pa.nulls(len(column), field.type)
        if column.null_count == len(column)
        else column.cast(field.type, safe=False)
        for field, column in zip(schema, table.columns, strict=True)
    ]
    return pa.table(columns, schema=schema)
