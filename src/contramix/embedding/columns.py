"""Check where embeddings and predictions are written, and write columns as Parquet or CSV."""

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
"""Beginnings of text cells that a spreadsheet would execute as a formula. In CSV they get an apostrophe in front."""
NUMBER = re.compile(r"[+-][0-9]+(\.[0-9]+)?")
"""Texts that are no formulas because they are numbers, such as the class -1."""
SUFFIXES = (".parquet", ".csv", ".npy")
"""Suffixes of the files that can be written."""
ENGINES = ("local", "ray")
"""Names of the engines that write shards."""


def check_destination(
    out: Path, keep: Sequence[str], data: Path | None = None, suffixes: Sequence[str] = SUFFIXES
) -> None:
    """Check, before anything is computed, that a file can be written.

    Parameters
    ----------
    out
        File to write.
    keep
        Columns of the data to carry over.
    data
        File or folder of the data.
    suffixes
        Suffixes that are allowed.

    Raises
    ------
    InputError
        If the suffix is unknown, the folder does not exist or cannot be written, the file is one of the data or would
        become one, or columns are to be kept in a format that holds numbers only.
    """
    if out.suffix not in suffixes:
        raise InputError(f"`out` {out}: give a name that ends in {', '.join(suffixes[:-1])} or {suffixes[-1]}")
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
    """Check, before anything is computed, that shards can be written into a folder.

    Raises
    ------
    InputError
        If neither the folder nor its parent exists, if it cannot be written, or if it is the folder of the data.
    """
    existing = out if out.exists() else out.parent
    if not existing.is_dir():
        why = f"the folder {existing} is not there" if existing is not out else "is a file"
        raise InputError(f"`out` {out}: {why}; give a folder, or a name that ends in {', '.join(SUFFIXES)}")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"`out` {out}: the folder {existing} cannot be written; give another")
    if out.exists() and data.exists() and out.samefile(data):
        raise InputError(f"`out` {out}: is the folder of the data themselves; give another")


def check_engine(engine: str, shard: str | None, folder: bool) -> None:
    """Check that an engine exists, and that options on shards are given with a folder of shards only.

    Raises
    ------
    InputError
        If an option is wrong; the message names it.
    """
    if engine not in ENGINES:
        raise InputError(f"`engine` {engine!r}: give one of {', '.join(ENGINES)}")
    if not folder and (shard is not None or engine != "local"):
        option = "`shard`" if shard is not None else "`engine`"
        raise InputError(f"{option}: goes with a folder of shards; give `out` a name without an ending")


def embedding_names(width: int) -> list[str]:
    """Return the names of the columns of representations: ``e0, e1, ...``."""
    return [f"e{n}" for n in range(width)]


def check_kept(keep: Sequence[str], names: Collection[str], made: Collection[str]) -> None:
    """Check that columns to carry over exist, and are not named like a column of the result.

    Parameters
    ----------
    keep
        Columns to carry over.
    names
        Columns of the data.
    made
        Columns of the result.

    Raises
    ------
    InputError
        If a column is wrong; the message names it.
    """
    for name in keep:
        if name not in names:
            raise InputError(f"`keep`: there is no column {name!r}; {nearest(name, names)}")
        if name in made:
            raise InputError(f"`keep`: {name!r} is also the name of a column of the result; rename it in the data")


def write_columns(out: Path, made: Mapping[str, pa.Array], table: pa.Table, keep: Sequence[str] = ()) -> None:
    """Write columns as CSV or Parquet, after the columns that are carried over from a table of the same rows.

    Raises
    ------
    InputError, RunError
        If a column to keep does not exist, or the file cannot be written.
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
    """Return a table in which spreadsheets do not run any column name or text as a formula."""
    return pa.table([_escape_column(c) for c in table.columns], [_escape_text(name) for name in table.column_names])


def _escape_column(values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    if not (pa.types.is_large_string(values.type) or pa.types.is_string(values.type)):
        return values
    return pa.array([t and _escape_text(t) for t in values.to_pylist()], pa.large_string())


def _escape_text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text
