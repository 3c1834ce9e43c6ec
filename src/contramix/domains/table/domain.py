"""Tables: one row a record, columns of any kind."""

import os
from dataclasses import replace
from typing import Any

import pyarrow as pa

from contramix.domains.domain import Domain
from contramix.domains.table.columns.kinds import Categorical
from contramix.domains.table.learning import describe
from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.domains.table.unread import UnreadTable
from contramix.errors import InputError, nearest
from contramix.io.options import ReadOptions
from contramix.io.records import RecordChunks, Records
from contramix.io.tables.canonical import describe_type
from contramix.io.tables.chunks import list_parquet_files, read_chunks
from contramix.io.tables.frames import to_arrow
from contramix.io.tables.reading import read


class Tables(Domain[TableSettings, TableSpec]):
    """Tables from files and frames."""

    spec = TableSpec
    records = "rows"
    baselines = ("raw", "pca", "untrained", "trees", "boosting", "gaussian", "supervised")

    def claims(self, path: str | os.PathLike[str]) -> bool:
        """What no other domain claims is a table."""
        return True

    def read(
        self,
        path: str | os.PathLike[str],
        options: ReadOptions,
        settings: TableSettings,
        like: TableSpec | None = None,
    ) -> Records:
        """Read a file, or a folder of Parquet files; columns that a model learned as text are read as text."""
        if list_parquet_files(path):
            parts = read_chunks(path, _as_learned(options, like))
            return Records(pa.concat_tables(list(parts)).combine_chunks(), parts.notes)
        return read(path, _as_learned(options, like))

    def read_chunks(
        self,
        path: str | os.PathLike[str],
        options: ReadOptions,
        settings: TableSettings,
        like: TableSpec | None = None,
    ) -> RecordChunks:
        """The same, portion by portion."""
        return read_chunks(path, _as_learned(options, like))

    def large(self, path: str | os.PathLike[str], options: ReadOptions, settings: TableSettings) -> UnreadTable:
        """A table of any size."""
        return UnreadTable(path, options, settings)

    def describe(
        self, table: pa.Table, settings: TableSettings, target: str | None = None, also: pa.Table | None = None
    ) -> tuple[TableSpec, tuple[str, ...]]:
        """Learn the columns from the rows, and from those of ``also``."""
        return describe(table if also is None else _joined(table, also, target), settings, target)

    def from_values(self, values: Any, settings: TableSettings, like: TableSpec | None = None) -> Records:
        """Frames, arrays and matrices."""
        return Records(to_arrow(values))


def _as_learned(options: ReadOptions, like: TableSpec | None) -> ReadOptions:
    if like is None:
        return options
    text = tuple(c.name for c in like.columns if isinstance(c, Categorical) and not c.numbers)
    return replace(options, text=text)


def _joined(table: pa.Table, also: pa.Table, target: str | None) -> pa.Table:
    """The rows of both; those of ``also`` need no target."""
    there = set(also.column_names)
    columns = []
    for name in table.column_names:
        mine = table.column(name)
        if name == target:
            theirs = pa.chunked_array([pa.nulls(also.num_rows, mine.type)])
        elif name not in there:
            raise InputError(f"--transductive: there is no column {name!r} in it; {nearest(name, there)}")
        else:
            mine, theirs = _alike(name, mine, also.column(name))
        columns.append(pa.chunked_array([*mine.chunks, *theirs.chunks]))
    return pa.table(columns, table.column_names)


def _alike(name: str, mine: pa.ChunkedArray, theirs: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Two columns in one type: whole numbers and others are numbers, and an empty column is of any kind."""
    if mine.type == theirs.type:
        return mine, theirs
    if theirs.null_count == len(theirs):
        return mine, pa.chunked_array([pa.nulls(len(theirs), mine.type)])
    if mine.null_count == len(mine):
        return pa.chunked_array([pa.nulls(len(mine), theirs.type)]), theirs
    if all(pa.types.is_integer(c.type) or pa.types.is_floating(c.type) for c in (mine, theirs)):
        return mine.cast(pa.float64(), safe=False), theirs.cast(pa.float64(), safe=False)
    raise InputError(
        f"--transductive: column {name!r} is {describe_type(theirs.type)} there and {describe_type(mine.type)} in DATA"
        "; write both alike"
    )
