"""Embeddings and predictions as files: Parquet, CSV or npy."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

from contramix.errors import InputError, nearest
from contramix.io.tables.chunks import list_parquet_files
from contramix.runtime import atomic_files

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text cell that begins so would be run by a spreadsheet; in CSV it gets an apostrophe in front."""
NUMBER = re.compile(r"[+-][0-9]+(\.[0-9]+)?")
"""Unless it is a number, such as the class -1."""
ENDINGS = (".parquet", ".csv", ".npy")
ENGINES = ("local", "ray")


def check_destination(
    out: Path, keep: Sequence[str], data: Path | None = None, endings: Sequence[str] = ENDINGS
) -> None:
    """Refuse early what could not be written.

    Raises
    ------
    InputError
        For an unknown ending, a folder that is not there or cannot be written, the file of the rows themselves or one
        beside them in their folder, or columns to keep in a format that holds numbers only.
    """
    if out.suffix not in endings:
        raise InputError(f"`out` {out}: give a name that ends in {', '.join(endings[:-1])} or {endings[-1]}")
    if not out.parent.is_dir():
        raise InputError(f"`out` {out}: the folder {out.parent} is not there")
    if out.is_dir():
        raise InputError(f"`out` {out}: is a folder; give a file")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise InputError(f"`out` {out}: the folder {out.parent} cannot be written; give another")
    if data is not None and out.exists() and data.exists() and out.samefile(data):
        raise InputError(f"`out` {out}: is the file of the rows itself, which would be lost; give another name")
    if (
        data is not None
        and out.suffix == ".parquet"
        and out.parent.absolute() == data.absolute()
        and list_parquet_files(data)
    ):
        raise InputError(f"`out` {out}: would be one more file of the data in {data}; give another folder")
    if keep and out.suffix == ".npy":
        raise InputError("`keep`: .npy holds numbers only; write .parquet or .csv to carry columns over")


def check_folder(out: Path, data: Path) -> None:
    """Refuse early a folder that could not be written into.

    Raises
    ------
    InputError
        If it or the folder it would lie in is not there or cannot be written, or it is where the data are.
    """
    place = out if out.exists() else out.parent
    if not place.is_dir():
        why = f"the folder {place} is not there" if place is not out else "is a file"
        raise InputError(f"`out` {out}: {why}; give a folder, or a name that ends in {', '.join(ENDINGS)}")
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"`out` {out}: the folder {place} cannot be written; give another")
    if out.exists() and data.exists() and out.samefile(data):
        raise InputError(f"`out` {out}: is the folder of the data themselves; give another")


def check_engine(engine: str, shard: str | None, folder: bool) -> None:
    """Refuse an engine that there is not, and ways to make shards where there are none.

    Raises
    ------
    InputError
        The message names the option.
    """
    if engine not in ENGINES:
        raise InputError(f"`engine` {engine!r}: give one of {', '.join(ENGINES)}")
    if not folder and (shard is not None or engine != "local"):
        option = "`shard`" if shard is not None else "`engine`"
        raise InputError(f"{option}: goes with a folder of shards; give `out` a name without an ending")


def embedding_names(width: int) -> list[str]:
    """The columns of a representation: ``e0, e1, ...``."""
    return [f"e{n}" for n in range(width)]


def check_kept(keep: Sequence[str], names: Collection[str], made: Collection[str]) -> None:
    """Refuse columns to keep that are not there, or are called like a column of the result, ``made``.

    Raises
    ------
    InputError
        The message names the column.
    """
    for name in keep:
        if name not in names:
            raise InputError(f"`keep`: there is no column {name!r}; {nearest(name, names)}")
        if name in made:
            raise InputError(f"`keep`: {name!r} is also the name of a column of the result; rename it in the data")


def write_columns(out: Path, made: Mapping[str, pa.Array], table: pa.Table, keep: Sequence[str] = ()) -> None:
    """Write columns as CSV or Parquet, behind the columns carried over from the table of the same rows.

    Raises
    ------
    InputError, RunError
        If a column to keep is not there, or the file cannot be written.
    """
    check_kept(keep, table.column_names, made)
    columns = {name: table.column(name) for name in keep} | dict(made)
    sink = BytesIO()
    if out.suffix == ".csv":
        csv.write_csv(escape_formulas(pa.table(columns)), sink)
    else:
        pq.write_table(pa.table(columns), sink, compression="zstd", write_page_checksum=True)
    atomic_files.write(out, sink.getvalue())


def escape_formulas(table: pa.Table) -> pa.Table:
    """A table whose names and texts no spreadsheet takes for formulas."""
    return pa.table([_escape_column(c) for c in table.columns], [_escape_text(name) for name in table.column_names])


def _escape_column(values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    if not (pa.types.is_large_string(values.type) or pa.types.is_string(values.type)):
        return values
    return pa.array([t and _escape_text(t) for t in values.to_pylist()], pa.large_string())


def _escape_text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text
