"""Read a table file of any supported format as an Arrow table with canonical column types."""

import os
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow.parquet import ParquetFile

from contramix.errors import InputError, first_line, printable
from contramix.io.options import MAX_COLUMNS, MISSING_MARKERS, ReadOptions
from contramix.io.records import Records
from contramix.io.tables.canonical import to_canonical
from contramix.io.tables.csv.reading import read_delimited
from contramix.io.tables.frames import drop_pandas_index, to_arrow
from contramix.io.tables.jsonlines import read_jsonl
from contramix.io.tables.opening import check_file, detect_format, to_arrow_stream

__all__ = ["MAX_COLUMNS", "MISSING_MARKERS", "ReadOptions", "Records", "read", "to_arrow"]

_DEFAULTS = ReadOptions()
DAMAGED_FILE_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
    pa.ArrowException,
)
"""Exceptions that numpy, pyarrow and zipfile raise for truncated or damaged files."""


def read(path: str | os.PathLike[str], options: ReadOptions = _DEFAULTS) -> Records:
    """Read a table file into memory as an Arrow table with canonical column types.

    Supported formats are CSV and other delimited files, JSON Lines (both also compressed with gzip or zstd), Parquet,
    Arrow IPC (file, stream, Feather), npy and npz. The format is detected from the first bytes, then from the
    extension. Pickled objects are never loaded.

    Parameters
    ----------
    path : str or path
        The file. Its name may contain any bytes.
    options : ReadOptions
        How to read a delimited file. Options that are None are detected. ``encoding`` also applies to JSON Lines.

    Returns
    -------
    Records
        The table, and one-line notes on what was guessed, filled in or left out. `contramix.io.tables.canonical` lists
        the column types, and `contramix.io.tables.csv.cell_types` explains how those of CSV columns are inferred.

    Raises
    ------
    InputError
        If the file cannot be read. The one-line message names the file and, where applicable, the line, the column or
        the option, and says how to fix it.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "people.csv"
    >>> _ = path.write_text("age,job\\n39,clerk\\n?,nurse\\n")
    >>> read(path).table.to_pydict()
    {'age': [39, None], 'job': ['clerk', 'nurse']}
    """
    source = printable(path)
    check_file(path)
    try:
        kind = detect_format(path)
        if kind == "delimited":
            return read_delimited(path, options)
        if kind == "jsonl":
            return Records(to_canonical(read_jsonl(path, options), source), ())
    except OSError as error:
        raise damaged_file_error(source, error) from None
    try:
        return _READERS[kind](path, source)
    except InputError:
        raise
    except DAMAGED_FILE_ERRORS as error:
        raise damaged_file_error(source, error) from None


def _read_parquet(path: str | os.PathLike[str], source: str) -> Records:
    with open(path, "rb") as file, ParquetFile(file, page_checksum_verification=True) as parquet:
        return _from_columns(parquet.read(), source)


def _read_arrow(path: str | os.PathLike[str], source: str) -> Records:
    with open(path, "rb") as file, pa.ipc.open_file(to_arrow_stream(file)) as reader:
        return _from_columns(reader.read_all(), source)


def _read_stream(path: str | os.PathLike[str], source: str) -> Records:
    with open(path, "rb") as file, pa.ipc.open_stream(to_arrow_stream(file)) as reader:
        return _from_columns(reader.read_all(), source)


def _from_columns(table: pa.Table, source: str) -> Records:
    """Convert a table that was read from a Parquet or Arrow file to records with canonical column types.

    The buffers of the table are validated first, because the file may be damaged. The columns in which pandas stored
    its row index are dropped. ``source`` is the name of the file in error messages.
    """
    table.validate(full=True)
    if table.num_rows == 0:
        raise InputError(f"{source}: no rows")
    table, index = drop_pandas_index(table)
    return Records(to_canonical(table, source), pandas_index_notes(index))


def pandas_index_notes(index: Sequence[str]) -> tuple[str, ...]:
    """Return a tuple of one note, which tells the user that the pandas index columns named in ``index`` were dropped.

    The tuple is empty if ``index`` is empty.
    """
    listed = ", ".join(f"'{printable(name, 60)}'" for name in index)
    return (f"left out the row index that pandas stored: {listed} (reset_index() keeps it)",) if index else ()


def _read_npy(path: str | os.PathLike[str], source: str) -> Records:
    with open(path, "rb") as file:
        return Records(_named(np.load(file, allow_pickle=False), source), ())


def _read_zip(path: str | os.PathLike[str], source: str) -> Records:
    with open(path, "rb") as file:
        with zipfile.ZipFile(file) as archive:
            members = archive.namelist()
        if any(name.startswith("xl/") or name == "[Content_Types].xml" for name in members):
            raise InputError(f"{source}: looks like an Excel workbook: save it as CSV or Parquet")
        if not members or not all(name.endswith(".npy") for name in members):
            raise InputError(f"{source}: a zip archive, not an npz file: unpack it, name the file inside")
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return Records(_from_arrays({key: arrays[key] for key in arrays.files}, source), ())


def _from_arrays(arrays: dict[str, Any], source: str) -> pa.Table:
    """Combine the arrays of an npz file, which must have the same length, into one table.

    ``arrays`` maps the key of each array to the array, and ``source`` is the name of the file in error messages. A 1-D
    array becomes a column that is named like its key. A 2-D array becomes the columns key0, key1, ..., or x0, x1, ...
    if it is the only 2-D array.
    """
    for key, array in arrays.items():
        if array.ndim not in (1, 2):
            raise InputError(f"{source}, array '{printable(key, 60)}': {array.ndim}-D, give 1-D or 2-D")
    lengths = {key: len(array) for key, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"'{printable(key, 60)}' {length}" for key, length in list(lengths.items())[:10])
        raise InputError(f"{source}: arrays of different lengths: {listed}; give arrays with one entry a row")
    matrices = [key for key, array in arrays.items() if array.ndim == 2]
    names: list[str] = []
    columns: list[pa.Array] = []
    for key, array in arrays.items():
        stem = "x" if matrices == [key] else key
        table = _named(array.reshape(len(array), -1) if array.dtype.names is None else array, source)
        single = array.ndim == 1 and array.dtype.names is None
        names += [key] if single else [stem + str(j) for j in range(table.num_columns)]
        columns += [column.combine_chunks() for column in table.columns]
    return to_canonical(pa.Table.from_arrays(columns, names), source)


def _named(array: Any, source: str) -> pa.Table:
    """Convert a numpy array to an Arrow table with canonical column types and at least one row.

    Error messages begin with ``source``, the name of the file.
    """
    try:
        table = to_arrow(array)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    if table.num_rows == 0:
        raise InputError(f"{source}: no rows")
    return table


def damaged_file_error(source: str, error: BaseException) -> InputError:
    """Convert an exception raised in reading a file to an InputError that says how the file ``source`` is damaged."""
    return InputError(f"{source}: {_reason(error)}")


def _reason(error: BaseException) -> str:
    message = first_line(error, 200)
    if "compressed stream" in message or "inflate" in message or "ZSTD" in message:
        return f"the compressed data ends early or is damaged ({message}): copy or pack the file again"
    if "pickle" in message:
        return "holds Python objects, which are never unpickled: save numbers or text"
    if isinstance(error, MemoryError):
        return f"not enough memory, or a damaged header that declares too large a size ({message})"
    return f"truncated or damaged ({message or type(error).__name__}): write or copy the file again"


_READERS: dict[str, Callable[[str | os.PathLike[str], str], Records]] = {
    "parquet": _read_parquet,
    "arrow": _read_arrow,
    "stream": _read_stream,
    "npy": _read_npy,
    "zip": _read_zip,
}
