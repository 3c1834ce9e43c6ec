"""Detect the dialect of a delimited file: its delimiter, header, column names and column types."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import NamedTuple

import pyarrow as pa
import pyarrow.types as pt

from contramix.errors import InputError, printable
from contramix.io.options import ReadOptions
from contramix.io.tables.canonical import check_names, check_width
from contramix.io.tables.csv.cell_types import (
    convert_column,
    explain_text_column,
    is_decimal_comma,
    strip_and_null,
    to_float,
)

SAMPLE_BYTES = 1 << 20
"""Number of bytes at the beginning of a file from which its dialect is detected."""
MAX_ROW_BYTES = 1 << 26
"""Maximum length of a row in bytes. A longer row most often has a quote that is never closed."""
DELIMITERS = (",", ";", "\t", "|")
"""Characters that are detected as delimiters. Any other has to be named with the option ``delimiter``."""
NO_DELIMITER = "\x1f"
"""Delimiter used for files of one column: a character that does not occur in tables."""

_SAMPLE_ROWS = 1000


class Dialect(NamedTuple):
    """Describe the format of a CSV or other delimited file, and its columns.

    Parameters
    ----------
    delimiter
        The character between two cells.
    decimal
        The decimal mark of numbers.
    header
        Whether the first line holds the column names.
    names
        Name of each column.
    types
        Arrow type of each column, inferred from the first ``SAMPLE_BYTES`` of the file.
    notes
        One-line notes for the user on what was guessed.
    """

    delimiter: str
    decimal: str
    header: bool
    names: list[str]
    types: list[pa.DataType]
    notes: list[str]


def infer_dialect(sample: bytes, options: ReadOptions, source: str) -> Dialect:
    """Detect the dialect (delimiter, decimal mark, header and columns) of a delimited file from its first lines.

    Parameters
    ----------
    sample : bytes
        The first lines of the file, complete and in UTF-8.
    options : ReadOptions
        Options of the user. Only those that are None are detected.
    source : str
        Name of the file in error messages.

    Raises
    ------
    InputError
        If the sample is not a text table, has duplicate column names, or fits several delimiters or decimal marks.

    Examples
    --------
    >>> infer_dialect(b"a;b\\n1;x\\n", ReadOptions(), "f.csv")[:4]
    (';', '.', True, ['a', 'b'])
    """
    text = _decode(sample, source)
    notes: list[str] = []
    delimiter = options.delimiter or _find_delimiter(text, options, source, notes)
    rows = _rows(text, delimiter)
    if not rows:
        raise InputError(f"{source}: empty file, it has no lines with anything in them")
    width, decimal = len(rows[0]), options.decimal or "."
    check_width(width, source)
    body = _columns(rows[1:], width, options)
    types = [convert_column(column, decimal).type for column in body]
    header = options.header
    if header is None:
        header = _has_header(rows[0], types, options, decimal, notes)
    if header:
        names = check_names(_fill_blank_names([cell.strip() for cell in rows[0]], notes), source)
    else:
        names = check_names([f"column_{j + 1}" for j in range(width)], source)
        body = _columns(rows, width, options)
        types = [convert_column(column, decimal).type for column in body]
    if re.search(r' \s*"', text):
        _check_quotes(rows, source)
    if options.decimal is None and delimiter != ",":
        _check_decimal_comma(names, body, types, source)
    for name, column, kind in zip(names, body, types, strict=True):
        note = explain_text_column(column) if pt.is_large_string(kind) else None
        if note:
            notes.append(f"column '{printable(name, 60)}' {printable(note)}")
    return Dialect(delimiter, decimal, header, names, types, notes)


@contextmanager
def allow_long_cells() -> Iterator[None]:
    """Allow cells of more than 128 KiB in Python's csv module within a ``with`` block.

    The limit of the csv module holds for the entire process. It is restored at the end of the block.
    """
    before = csv.field_size_limit(2 * MAX_ROW_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _decode(sample: bytes, source: str) -> str:
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{source}: the text is UTF-16 (by its byte-order mark): give `encoding='utf-16'`")
    nul = sample.find(b"\0")
    if nul >= 0:
        even, odd = sample[::2].count(b"\0"), sample[1::2].count(b"\0")
        if max(even, odd) > len(sample) // 5 and min(even, odd) < max(even, odd) // 10:
            name = "utf-16-le" if odd > even else "utf-16-be"
            raise InputError(f"{source}: the text looks like UTF-16: give `encoding={name!r}`")
        line = sample.count(b"\n", 0, nul) + 1
        raise InputError(f"{source}, line {line}: NUL bytes: binary data, or damaged text")
    controls = sum(sample.count(bytes([c])) for c in range(32) if c not in b"\t\n\r\f\x1f")
    if controls > len(sample) // 50:
        raise InputError(f"{source}: looks like binary data, not a table of text")
    return sample.decode("utf-8-sig", "replace")  # the full read finds the line of a bad byte


def _rows(text: str, delimiter: str, limit: int | None = None) -> list[list[str]]:
    with allow_long_cells():
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        return list(islice((row for row in rows if row), limit))


def _find_delimiter(text: str, options: ReadOptions, source: str, notes: list[str]) -> str:
    """Return the delimiter that splits the highest proportion of the sampled rows into the same number of cells.

    The candidates are ``DELIMITERS`` except the decimal mark. If none of them splits at least half of the rows into the
    same number of cells (two or more), `NO_DELIMITER` is returned. A note for the user on the choice is appended to
    ``notes``, unless the delimiter is a comma.

    Raises
    ------
    InputError
        If several delimiters fit equally well.
    """
    found: dict[str, float] = {}
    for candidate in (mark for mark in DELIMITERS if mark != options.decimal):
        widths = Counter(len(row) for row in _rows(text, candidate, _SAMPLE_ROWS))
        if not widths:
            continue
        width, times = widths.most_common(1)[0]
        if width > 1 and 2 * times >= widths.total():
            found[candidate] = times / widths.total()
    best = [candidate for candidate, share in found.items() if share == max(found.values())]
    if len(best) > 1:
        listed = " and ".join(repr(candidate) for candidate in best)
        raise InputError(f"{source}: ambiguous delimiter: {listed} fit equally well: name one with `delimiter`")
    if best:
        if best[0] != ",":
            notes.append(f"delimiter found: {best[0]!r}")
        return best[0]
    looked = " ".join(repr(candidate) for candidate in DELIMITERS)
    notes.append(f"no delimiter found (looked for {looked}): read as one column; `delimiter` names another")
    return NO_DELIMITER


def _columns(rows: list[list[str]], width: int, options: ReadOptions) -> list[pa.Array]:
    """Convert sampled rows to one array of text cells per column, in which missing markers are null.

    Rows that do not have ``width`` cells are ignored.
    """
    complete = [row for row in rows if len(row) == width]
    cells = zip(*complete, strict=True) if complete else ([] for _ in range(width))
    return [strip_and_null(pa.array(list(column), pa.large_string()), options.missing) for column in cells]


def _has_header(
    first: list[str], types: list[pa.DataType], options: ReadOptions, decimal: str, notes: list[str]
) -> bool:
    """Return whether the first line holds column names, and append a note to ``notes`` if it does not.

    The first line is taken as data, not as names, if its cells in the numeric columns are all numbers or missing
    markers, and at least one is a number.

    Parameters
    ----------
    first
        The cells of the first line.
    types
        Type of each column, inferred from the second and later lines.
    options
        The options, of which the missing markers are used.
    decimal
        The decimal mark.
    notes
        List to which the note is appended.
    """
    numeric = [j for j, kind in enumerate(types) if pt.is_integer(kind) or pt.is_floating(kind)]
    heads = strip_and_null(pa.array([first[j] for j in numeric], pa.large_string()), options.missing).drop_null()
    header = len(heads) == 0 or to_float(heads, decimal) is None
    if not header:
        notes.append(
            f"no header found: the columns are named column_1 to column_{len(first)}; "
            "if the first line holds the names, give `header=True`"
        )
    return header


def _fill_blank_names(names: list[str], notes: list[str]) -> list[str]:
    blank = [j for j, name in enumerate(names) if not name]
    for j in blank:
        names[j] = f"column_{j + 1}"
    if blank:
        listed = ", ".join(names[j] for j in blank[:10]) + (", ..." if len(blank) > 10 else "")
        notes.append(f"blank column names are filled: {listed}")
    return names


def _check_quotes(rows: list[list[str]], source: str) -> None:
    for row in rows:
        for cell in row:
            if cell[:1] == " " and cell.lstrip()[:1] == '"':
                raise InputError(
                    f"{source}: a space precedes a quoted cell ({printable(cell, 40)}): "
                    "write the quote right after the delimiter"
                )


def _check_decimal_comma(names: list[str], body: list[pa.Array], types: list[pa.DataType], source: str) -> None:
    for name, column, kind in zip(names, body, types, strict=True):
        if pt.is_large_string(kind) and is_decimal_comma(column):
            raise InputError(
                f"{source}, column '{printable(name, 60)}': numbers with a decimal comma: give `decimal=','`"
                " (or `decimal='.'` to read them as text)"
            )
