"""Check the destination of embeddings and predictions, and write columns as Parquet or CSV."""

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
"""First characters of text cells that a spreadsheet would execute as a formula. An apostrophe is put before them in
CSV files."""
NUMBER = re.compile(r"[+-][0-9]+(\.[0-9]+)?")
"""Pattern of texts that are not escaped because they are signed numbers, such as the class -1."""
SUFFIXES = (".parquet", ".csv", ".npy")
"""Suffixes of the file formats that can be written."""
ENGINES = ("local", "ray")
"""Names of the engines that write shards: this process, or a Ray cluster."""


def check_destination(
    out: Path, keep: Sequence[str], data: Path | None = None, suffixes: Sequence[str] = SUFFIXES
) -> None:
    """Check that an output file can be written, before anything is computed.

    Parameters
    ----------
    out
        File to write.
    keep
        Names of the columns to copy from the data to the output.
    data
        File or folder of the data, which must not be overwritten; None: this is not checked.
    suffixes
        Suffixes that the output file may have.

    Raises
    ------
    InputError
        If the suffix is not allowed, ``out`` is a folder, or its folder does not exist or is not writable. If ``out``
        is the data file, or a Parquet file in the folder of Parquet files that holds the data. If ``keep`` is not empty
        and the format is ``.npy``, which holds numbers only.
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
    """Check that the shards (part files) of a result can be written into the folder ``out``, before any computation.

    ``data`` is the file or folder of the data.

    Raises
    ------
    InputError
        If neither ``out`` nor its parent folder exists, ``out`` is a file or is the folder of the data, or the folder
        is not writable.
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
    """Check that the engine is known, and that options for shards (part files) are used only for a folder of shards.

    Parameters
    ----------
    engine
        What writes the result: ``"local"`` (this process) or ``"ray"`` (a Ray cluster).
    shard
        Which of the shards to write, such as ``"2/8"`` for the second eighth; None: all of them.
    folder
        Whether the result is a folder of shards. For a single file, ``engine`` must be ``"local"`` and ``shard`` None.

    Raises
    ------
    InputError
        If the engine is unknown, or an option for shards is given for a single file. The message names the option.
    """
    if engine not in ENGINES:
        raise InputError(f"`engine` {engine!r}: give one of {', '.join(ENGINES)}")
    if not folder and (shard is not None or engine != "local"):
        option = "`shard`" if shard is not None else "`engine`"
        raise InputError(f"{option}: goes with a folder of shards; give `out` a name without an ending")


def embedding_names(width: int) -> list[str]:
    """Return column names for the elements of representations, such as ``["e0", "e1", "e2"]`` for a width of 3."""
    return [f"e{n}" for n in range(width)]


def check_kept(keep: Sequence[str], names: Collection[str], made: Collection[str]) -> None:
    """Check that the columns to copy to a result exist in the data, and that no computed column has the same name.

    Parameters
    ----------
    keep
        Names of the columns to copy.
    names
        Names of all columns of the data.
    made
        Names of the computed columns of the result.

    Raises
    ------
    InputError
        If a column does not exist or a computed column has its name. The message names the column.
    """
    for name in keep:
        if name not in names:
            raise InputError(f"`keep`: there is no column {name!r}; {nearest(name, names)}")
        if name in made:
            raise InputError(f"`keep`: {name!r} is also the name of a column of the result; rename it in the data")


def write_columns(out: Path, made: Mapping[str, pa.Array], table: pa.Table, keep: Sequence[str] = ()) -> None:
    """Write columns copied from the data, followed by computed columns, to a CSV or Parquet file.

    Parameters
    ----------
    out
        File to write; its suffix determines the format.
    made
        Computed columns by name.
    table
        The data, with the same rows as the computed columns.
    keep
        Names of the columns of ``table`` to copy.

    Raises
    ------
    InputError
        If a column in ``keep`` does not exist or has the name of a computed column, or the file cannot be written.
    RunError
        If the disk is full.
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
    """Return the table with an apostrophe before text cells and column names that a spreadsheet would run as formulas.

    Signed numbers such as ``-1`` stay as they are.
    """
    return pa.table([_escape_column(c) for c in table.columns], [_escape_text(name) for name in table.column_names])


def _escape_column(values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    if not (pa.types.is_large_string(values.type) or pa.types.is_string(values.type)):
        return values
    return pa.array([t and _escape_text(t) for t in values.to_pylist()], pa.large_string())


def _escape_text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text
