"""Infer the type of a column of text cells: booleans, numbers, dates or text. A type applies if all cells match it.

- Nulls are ignored. A column of nulls has the null type.
- ``true`` and ``false`` in upper or lower case: bool. ``yes`` and ``no`` stay text, 0 and 1 are numbers.
- Numbers: int64 if all are integers, else float64. A leading zero (``007``) or an integer of more than 15 digits makes
  the column text, because such cells are identifiers and float64 would lose digits.
- ISO 8601 dates and times, and ``2020/12/31``: timestamp, converted to UTC if they have zones. ``31/12/2020``,
  ``31.12.2020`` and ``31-12-2020``: timestamp if exactly one of day first and month first parses all cells.
- Everything else: text.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

EXACT_DIGITS = 15
"""Maximum number of digits of integers that float64 represents exactly."""

_WHOLE = r"^[+-]?\d+$"
_LEADING_ZERO = r"^[+-]?0\d"
_LONG = rf"^[+-]?\d{{{EXACT_DIGITS + 1},}}$"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_COMMA_NUMBER = r"^[+-]?\d+(,\d+)?$"
_YEAR_FIRST = r"\d{4}/\d{1,2}/\d{1,2}"
_YEAR_LAST = r"\d{1,2}([-/.])\d{1,2}[-/.]\d{4}"
_DATED = r"^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})"
_TIMESTAMP = pa.timestamp("us")
_SWAPPED = str.maketrans(",.", ".,")


def strip_and_null(cells: Any, missing: tuple[str, ...]) -> Any:
    """Strip white space from the cells of an Arrow string array, and replace the texts in ``missing`` with null.

    Examples
    --------
    >>> strip_and_null(pa.array([" a", "?"]), ("", "?")).to_pylist()
    ['a', None]
    """
    cells = pc.utf8_trim_whitespace(cells)
    markers = pa.array(missing, cells.type)
    return pc.if_else(pc.is_in(cells, value_set=markers), pa.scalar(None, cells.type), cells)


def may_have_padding(cells: pa.ChunkedArray) -> bool:
    """Return whether any cell of a text column may have leading or trailing white space.

    The check looks only at the first and last byte of each cell. It can return True by mistake, for cells that start or
    end with a character outside ASCII, but it never returns False by mistake.

    Examples
    --------
    >>> may_have_padding(pa.chunked_array([["a b", "c"]], pa.large_string()))
    False
    """
    # White space characters are at most ' ' in ASCII, or outside ASCII.
    plain = (((end > ord(" ")) & (end < 128)).all() for chunk in cells.chunks for end in _ends(chunk))
    return not all(map(bool, plain))


def _ends(cells: pa.LargeStringArray) -> tuple[Any, Any]:
    """Return two uint8 numpy arrays: the first byte and the last byte of each cell that is not empty."""
    _, places, text = cells.buffers()
    at = np.frombuffer(places, np.int64)[cells.offset : cells.offset + len(cells) + 1]
    some = np.diff(at) > 0
    letters = np.frombuffer(text or b"", np.uint8)
    return letters[at[:-1][some]], letters[at[1:][some] - 1]


def convert_column(cells: Any, decimal: str = ".") -> Any:
    """Convert a column of text to the type inferred from its cells: bool, int64, float64, timestamp or text.

    `contramix.io.tables.csv.cell_types` lists the rules.

    Parameters
    ----------
    cells : pyarrow.Array or ChunkedArray of strings
        The cells, without leading and trailing white space. Missing cells are null.
    decimal : {".", ","}
        The decimal mark of numbers.

    Returns
    -------
    pyarrow.Array or ChunkedArray
        The converted cells, of type bool, int64, float64, timestamp or large_string. If all cells are null, the type
        is null.

    Examples
    --------
    >>> convert_column(pa.array(["1", "2", None])).type, convert_column(pa.array(["007", "12"])).type
    (DataType(int64), DataType(large_string))
    """
    values = cells.drop_null()
    if len(values) == 0:
        return pa.nulls(len(cells))
    if pc.all(pc.is_in(pc.utf8_lower(values), value_set=pa.array(["true", "false"], cells.type))).as_py():
        return pc.equal(pc.utf8_lower(cells), pa.scalar("true", cells.type))
    numbers = to_float(cells, decimal)
    if numbers is not None:
        return _numbers(cells, values, numbers)
    dates = _iso(cells) if _all(values, _DATED) else None
    if dates is None:
        dates = _by_format(cells, values)
    return cells.cast(pa.large_string()) if dates is None else dates


def to_float(cells: Any, decimal: str = ".") -> Any | None:
    """Convert an Arrow string array to a float64 array, or return None if a cell is neither a number nor null.

    ``decimal`` is the decimal mark, ``"."`` or ``","``.
    """
    if decimal == ",":
        cells = pa.array([cell and cell.translate(_SWAPPED) for cell in cells.to_pylist()], pa.large_string())
    return _cast(cells, pa.float64())


def is_decimal_comma(cells: Any) -> bool:
    """Return whether a text column holds numbers with a decimal comma, such as ``3,5``.

    All cells except nulls must be integers or numbers with a decimal comma, and at least one must have a comma.
    """
    values = cells.drop_null()
    return len(values) > 0 and _all(values, _COMMA_NUMBER) and pc.any(pc.match_substring(values, ",")).as_py()


def explain_text_column(cells: Any) -> str | None:
    """Return a note for the user on why a column that looks like numbers or dates is read as text.

    The note is, for example, "read as text: most sampled cells are numbers, but '12 kg' is not". It is returned if at
    least 90 % of the cells, but not all, are numbers, or if all cells begin with a date. Otherwise None is returned.
    ``cells`` is an Arrow string array.
    """
    values = cells.drop_null()
    if len(values) == 0:
        return None
    numeric = pc.match_substring_regex(values, _NUMBER)
    share = pc.mean(numeric.cast(pa.float64())).as_py()
    if 0.9 <= share < 1:
        odd = values.filter(pc.invert(numeric))
        return f"read as text: most sampled cells are numbers, but '{odd[0].as_py()[:40]}' is not"
    if _all(values, _DATED):
        return "read as text: dates in several formats, or day and month unclear; write them as YYYY-MM-DD"
    return None


def _numbers(cells: Any, values: Any, numbers: Any) -> Any:
    if _any(values, _LEADING_ZERO):
        return cells.cast(pa.large_string())
    if not _all(values, _WHOLE):
        return numbers
    return cells.cast(pa.large_string()) if _any(values, _LONG) else numbers.cast(pa.int64())


def _iso(cells: Any) -> Any | None:
    for kind in (_TIMESTAMP, pa.timestamp("ns"), pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")):
        dates = _cast(cells, kind)
        if dates is not None:
            return dates.cast(_TIMESTAMP, safe=False)
    return None


def _by_format(cells: Any, values: Any) -> Any | None:
    if _all(values, rf"^{_YEAR_FIRST}$"):
        return _strptime(cells, "%Y/%m/%d")
    if not _all(values, rf"^{_YEAR_LAST}$"):
        return None
    mark = next((mark for mark in "/.-" if _all(values, rf"^\d+[{mark}]\d+[{mark}]\d+$")), None)
    if mark is None:
        return None
    orders = [_strptime(cells, mark.join(order)) for order in (("%d", "%m", "%Y"), ("%m", "%d", "%Y"))]
    read = [dates for dates in orders if dates is not None]
    return read[0] if len(read) == 1 else None


def _strptime(cells: Any, order: str) -> Any | None:
    dates = pc.strptime(cells, format=order, unit="us", error_is_null=True)
    if dates.null_count != cells.null_count:
        return None
    day = pc.replace_substring_regex(cells, r"\b(\d)\b", r"0\1")  # 31 February would roll over to March
    same = pc.equal(pc.strftime(dates, format=order), day)
    return dates if pc.all(same).as_py() else None


def _cast(cells: Any, kind: pa.DataType) -> Any | None:
    try:
        return cells.cast(kind)
    except pa.ArrowInvalid:
        return None


def _all(values: Any, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(values, pattern)).as_py())


def _any(values: Any, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(values, pattern)).as_py())
