"""Embeddings and predictions as files: Parquet, CSV or npy."""

import os
import re
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq
from jaxtyping import Float32
from numpy import ndarray

from contramix import durable
from contramix.errors import InputError, nearest

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text cell that begins so would be run by a spreadsheet; in CSV it gets an apostrophe in front."""
NUMBER = re.compile(r"[+-][0-9]+(\.[0-9]+)?")
"""Unless it is a number, such as the class -1."""
ENDINGS = (".parquet", ".csv", ".npy")


def check_destination(
    out: Path, keep: Sequence[str], data: Path | None = None, endings: Sequence[str] = ENDINGS
) -> None:
    """Refuse early what could not be written.

    Raises
    ------
    InputError
        For an unknown ending, a folder that is not there or cannot be written, the file of the rows themselves, or
        columns to keep in a format that holds numbers only.
    """
    if out.suffix not in endings:
        raise InputError(f"--out {out}: give a name that ends in {', '.join(endings[:-1])} or {endings[-1]}")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: the folder {out.parent} is not there")
    if out.is_dir():
        raise InputError(f"--out {out}: is a folder; give a file")
    if not os.access(out.parent, os.W_OK | os.X_OK):
        raise InputError(f"--out {out}: the folder {out.parent} cannot be written; give another")
    if data is not None and out.exists() and data.exists() and out.samefile(data):
        raise InputError(f"--out {out}: is the file of the rows itself, which would be lost; give another name")
    if keep and out.suffix == ".npy":
        raise InputError("--keep: .npy holds numbers only; write .parquet or .csv to carry columns over")


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
            raise InputError(f"--keep: there is no column {name!r}; {nearest(name, names)}")
        if name in made:
            raise InputError(f"--keep: {name!r} is also the name of a column of the result; rename it in the data")


def write_embeddings(out: Path, z: Float32[ndarray, " n d"], table: pa.Table, keep: Sequence[str] = ()) -> None:
    """Write representations as columns ``e0, e1, ...``, behind the columns carried over.

    Raises
    ------
    InputError, RunError
        If a column to keep is not there, or the file cannot be written.
    """
    if out.suffix == ".npy":
        sink = BytesIO()
        np.save(sink, z, allow_pickle=False)
        durable.write(out, sink.getvalue())
    else:
        columns = zip(embedding_names(z.shape[1]), z.T)
        write_columns(out, {name: pa.array(np.ascontiguousarray(values)) for name, values in columns}, table, keep)


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
        csv.write_csv(pa.table({_harmless_text(name): _harmless(values) for name, values in columns.items()}), sink)
    else:
        pq.write_table(pa.table(columns), sink, compression="zstd", write_page_checksum=True)
    durable.write(out, sink.getvalue())


def _harmless(values: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    if not (pa.types.is_large_string(values.type) or pa.types.is_string(values.type)):
        return values
    return pa.array([t and _harmless_text(t) for t in values.to_pylist()], pa.large_string())


def _harmless_text(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text
