"""Convert lists of strings, lists of text files, and data frames with a column of text to records."""

import os
from functools import partial
from typing import Any

import narwhals as nw
import numpy as np
import pyarrow as pa

from contramix.domains.text.column import TEXT, rename_text_column
from contramix.domains.text.file_layouts import TXT
from contramix.domains.text.reading import from_files
from contramix.domains.text.settings import TextSettings
from contramix.domains.text.spec import TextSpec
from contramix.errors import InputError, printable
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile, read_file
from contramix.io.options import ReadOptions
from contramix.io.records import Records, is_text
from contramix.io.tables.frames import to_arrow


def from_values(values: Any, settings: TextSettings, fitted_spec: TextSpec | None = None) -> Records:
    """Convert Python values to a table with the column ``text``, one row per text. Missing texts become null.

    Parameters
    ----------
    values
        A list, tuple, 1-D array or series (pandas, polars, Arrow) of strings; a list of existing ``.txt`` files; or a
        data frame with a column of text.
    settings
        ``column`` names the column of a data frame.
    fitted_spec
        The specification of a trained model. If given and ``column`` is ``"auto"``, the column used in training is
        read if the data frame has it.

    Raises
    ------
    InputError
        If the values are not texts, or there are none.

    Examples
    --------
    >>> from_values(["it rained", None], TextSettings()).table.to_pydict()
    {'text': ['it rained', None]}
    """
    if are_text_files(values):
        places = [os.fsdecode(one) for one in values]
        files = tuple(
            MediaFile(printable(place), partial(read_file, place), os.path.abspath(place)) for place in places
        )
        read = from_files(MediaFiles("list of files", files, {}), ReadOptions(on_bad_files="fail"))
        return Records(read.table, read.notes)
    cells = to_strings(values)
    if cells is None:
        table, notes = rename_text_column(
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


def are_text_files(values: Any) -> bool:
    """Return whether values are a non-empty list of paths of existing text files, such as ``"a.txt"``."""
    if not isinstance(values, list | tuple) or not values:
        return False
    named = all(isinstance(one, os.PathLike) or (isinstance(one, str) and one.endswith(TXT)) for one in values)
    return named and all(os.path.isfile(one) for one in values)


def to_strings(values: Any) -> list[Any] | None:
    """Convert a list, tuple, 1-D array or series (pandas, polars, Arrow) of strings to a list.

    Missing values are kept as they are. Return None for values that do not look like a sequence of strings, such as a
    data frame.
    """
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.to_pylist() if is_text(values.type) else None
    if isinstance(values, np.ndarray):
        return values.tolist() if values.ndim == 1 and values.dtype.kind in "UOT" else None
    if isinstance(values, list | tuple):
        return list(values) if not values or any(isinstance(one, str) for one in values) else None
    series = nw.from_native(values, allow_series=True, pass_through=True)
    return series.to_list() if isinstance(series, nw.Series) else None


def is_missing(cell: Any) -> bool:
    """Return whether a value is None, NaN or ``pandas.NA``."""
    return cell is None or (isinstance(cell, float) and cell != cell) or type(cell).__name__ == "NAType"


def _text(cell: Any, row: int) -> str | None:
    if isinstance(cell, str):
        return cell
    if is_missing(cell):
        return None
    raise InputError(f"row {row + 1}: {type(cell).__name__} is not text: give strings")
