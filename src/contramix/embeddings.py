"""Embeddings as files: Parquet, CSV or npy."""

from collections.abc import Sequence
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


def check_destination(out: Path, keep: Sequence[str]) -> None:
    """Refuse early what could not be written.

    Raises
    ------
    InputError
        For an unknown ending, a folder that is not there, or columns to keep in a format that holds numbers only.
    """
    if out.suffix not in (".parquet", ".csv", ".npy"):
        raise InputError(f"--out {out}: give a name that ends in .parquet, .csv or .npy")
    if not out.parent.is_dir():
        raise InputError(f"--out {out}: the folder {out.parent} is not there")
    if out.is_dir():
        raise InputError(f"--out {out}: is a folder; give a file")
    if keep and out.suffix == ".npy":
        raise InputError("--keep: .npy holds numbers only; write .parquet or .csv to carry columns over")


def write_embeddings(out: Path, z: Float32[ndarray, " n d"], table: pa.Table, keep: Sequence[str] = ()) -> None:
    """Write representations as columns ``e0, e1, ...``, behind the columns carried over.

    Raises
    ------
    InputError, RunError
        If a column to keep is not there, or the file cannot be written.
    """
    for name in keep:
        if name not in table.column_names:
            raise InputError(f"--keep: there is no column {name!r}; {nearest(name, table.column_names)}")
    sink = BytesIO()
    if out.suffix == ".npy":
        np.save(sink, z, allow_pickle=False)
    else:
        columns = {name: table.column(name) for name in keep}
        if out.suffix == ".csv":
            columns = {name: _harmless(values) for name, values in columns.items()}
        columns |= {f"e{n}": pa.array(np.ascontiguousarray(z[:, n])) for n in range(z.shape[1])}
        joined = pa.table(columns)
        if out.suffix == ".csv":
            csv.write_csv(joined, sink)
        else:
            pq.write_table(joined, sink, compression="zstd", write_page_checksum=True)
    durable.write(out, sink.getvalue())


def _harmless(values: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    if not (pa.types.is_large_string(values.type) or pa.types.is_string(values.type)):
        return values
    texts = values.to_pylist()
    return pa.array([f"'{t}" if t and t.startswith(FORMULA) else t for t in texts], pa.large_string())
