"""Texts from Python: lists, arrays and series of strings, lists of files, and frames with a column of text."""

import os
from functools import partial
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from contramix.domains.text.column import TEXT, with_text_column
from contramix.domains.text.file_layouts import TXT
from contramix.domains.text.reading import from_documents
from contramix.domains.text.settings import TextSettings
from contramix.domains.text.spec import TextSpec
from contramix.errors import InputError, printable
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile, read_file
from contramix.io.options import ReadOptions
from contramix.io.records import Records, is_text
from contramix.io.tables.frames import to_arrow


def from_values(values: Any, settings: TextSettings, fitted_spec: TextSpec | None = None) -> Records:
    """Texts from Python values; each value becomes a row, a missing one an empty text.

    Parameters
    ----------
    values
        A list, tuple, 1-D array or series (pandas, polars, Arrow) of strings; a list of ``.txt`` files that are there;
        or a frame with a column of text.
    settings
        Which column of a frame.
    like
        A trained model's specification.

    Raises
    ------
    InputError
        They are no texts.

    Examples
    --------
    >>> from_values(["it rained", None], TextSettings()).table.to_pydict()
    {'text': ['it rained', None]}
    """
    if are_files(values):
        places = [os.fsdecode(one) for one in values]
        files = tuple(
            MediaFile(printable(place), partial(read_file, place), os.path.abspath(place)) for place in places
        )
        read = from_documents(MediaFiles("list of files", files, {}), ReadOptions(on_bad_files="fail"))
        return Records(read.table, read.notes)
    cells = cells_of(values)
    if cells is None:
        table, notes = with_text_column(
            to_arrow(values), settings.column, None if fitted_spec is None else fitted_spec.column
        )
        return Records(table, notes)
    if not cells:
        raise InputError("there are no texts: the list is empty")
    try:
        return Records(
            pa.table({TEXT: pa.array([_text(cell, row) for row, cell in enumerate(cells)], pa.large_string())})
        )
    except UnicodeEncodeError as error:
        raise InputError(f"a text cannot be written in UTF-8 ({error.reason}): it holds half of a character") from None


def are_files(values: Any) -> bool:
    """Whether values are a list of paths of text files that are there."""
    if not isinstance(values, list | tuple) or not values:
        return False
    named = all(isinstance(one, os.PathLike) or (isinstance(one, str) and one.endswith(TXT)) for one in values)
    return named and all(os.path.isfile(one) for one in values)


def cells_of(values: Any) -> list[Any] | None:
    """The cells of one column of strings; None where values are something else."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.to_pylist() if is_text(values.type) else None
    if isinstance(values, np.ndarray):
        return values.tolist() if values.ndim == 1 and values.dtype.kind in "UOT" else None
    if isinstance(values, list | tuple):
        return list(values) if not values or any(isinstance(one, str) for one in values) else None
    series = nw.from_native(values, allow_series=True, pass_through=True)
    return series.to_list() if isinstance(series, nw.Series) else None


def is_missing(cell: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, pandas' NA."""
    return cell is None or (isinstance(cell, float) and cell != cell) or type(cell).__name__ == "NAType"


def _text(cell: Any, row: int) -> str | None:
    if isinstance(cell, str):
        return cell
    if is_missing(cell):
        return None
    raise InputError(f"row {row + 1}: {type(cell).__name__} is no text: give strings")
