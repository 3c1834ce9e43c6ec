"""Read tables from files, data frames and arrays."""

import os
from dataclasses import replace
from typing import Any

import pyarrow as pa

from contramix.domains.table.columns.kinds import Categorical
from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.io.options import ReadOptions
from contramix.io.records import RecordChunks, Records
from contramix.io.tables import chunks
from contramix.io.tables import reading as files
from contramix.io.tables.frames import to_arrow


def read(
    path: str | os.PathLike[str],
    options: ReadOptions,
    settings: TableSettings,
    fitted_spec: TableSpec | None = None,
) -> Records:
    """Read a table from a file, such as CSV or Parquet, or from a folder of Parquet files.

    Parameters
    ----------
    path
        The file or folder.
    options
        How files are read, such as the delimiter of a CSV file.
    settings
        Not used, but required by the interface of readers.
    fitted_spec
        The specification of a trained model. Columns that held text in training are read as text.

    Raises
    ------
    InputError
        If the file or folder cannot be read.
    """
    if chunks.list_parquet_files(path):
        parts = read_chunks(path, options, settings, fitted_spec)
        return Records(pa.concat_tables(list(parts)).combine_chunks(), parts.notes)
    return files.read(path, _text_as_learned(options, fitted_spec))


def read_chunks(
    path: str | os.PathLike[str],
    options: ReadOptions,
    settings: TableSettings,
    fitted_spec: TableSpec | None = None,
) -> RecordChunks:
    """Read a table in chunks of rows. Iterating over the result yields Arrow tables.

    Parameters
    ----------
    path
        A file, or a folder of Parquet files.
    options
        How files are read, such as the delimiter of a CSV file.
    settings
        Not used, but required by the interface of readers.
    fitted_spec
        The specification of a trained model. Columns that held text in training are read as text.

    Raises
    ------
    InputError
        If the file or folder cannot be read.
    """
    return chunks.read_chunks(path, _text_as_learned(options, fitted_spec))


def from_values(values: Any, settings: TableSettings, fitted_spec: TableSpec | None = None) -> Records:
    """Convert a data frame, an array, a tensor or a sparse matrix to an Arrow table.

    ``settings`` and ``fitted_spec`` are not used, but required by the interface of readers.

    Raises
    ------
    InputError
        If ``values`` has none of these types, or holds values of a type that cannot be converted.
    """
    return Records(to_arrow(values))


def _text_as_learned(options: ReadOptions, fitted_spec: TableSpec | None) -> ReadOptions:
    if fitted_spec is None:
        return options
    text = tuple(c.name for c in fitted_spec.columns if isinstance(c, Categorical) and not c.numbers)
    return replace(options, text=text)
