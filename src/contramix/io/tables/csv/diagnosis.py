"""Find the first faulty line of a delimited file that Arrow could not read, with a slow parser."""

import csv
import io
import os
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.types as pt

from contramix.errors import InputError, printable
from contramix.io.options import ReadOptions
from contramix.io.tables.csv.cell_types import strip_and_null, to_float
from contramix.io.tables.csv.dialect import Dialect, allow_long_cells
from contramix.io.tables.opening import open_utf8

_BLOCK_ROWS = 20_000

Rows = list[tuple[int, list[str]]]


def find_first_fault(path: str | os.PathLike[str], dialect: Dialect, options: ReadOptions) -> InputError | None:
    """Find a fault in a delimited file: a bad byte, a wrong number of cells, a bad quote, or text among numbers.

    Return an error that names the line and the fault, or None if there is no such fault. Unless ``options`` name an
    encoding, the complete file is first searched for bytes that are not UTF-8.
    """
    source = printable(path)
    try:
        if options.encoding is None:
            _check_utf8(path, source)
        with open_utf8(path, options.encoding) as stream, allow_long_cells():
            block: Rows = []
            for line, row in _numbered_rows(stream, dialect, options, source):
                block.append((line, row))
                if len(block) == _BLOCK_ROWS:
                    _check_numbers(block, dialect, options, source)
                    block = []
            _check_numbers(block, dialect, options, source)
    except InputError as fault:
        return fault
    except UnicodeError:
        return None
    return None


def _check_utf8(path: str | os.PathLike[str], source: str) -> None:
    with open_utf8(path, None) as stream:
        for number, line in enumerate(io.BufferedReader(stream), start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                returns = line[: error.start].count(b"\r")  # counts lines of files whose line ends are a bare CR
                raise InputError(
                    f"{source}, line {number + returns}: byte 0x{line[error.start]:02x} is not UTF-8: "
                    "name the encoding, such as `encoding='cp1252'` or `encoding='latin-1'`"
                ) from None


def _numbered_rows(
    stream: pa.NativeFile, dialect: Dialect, options: ReadOptions, source: str
) -> Iterator[tuple[int, list[str]]]:
    """Parse the text of a delimited file, and yield each row after the header: the number of its first line, its cells.

    Raises
    ------
    InputError
        At a row with a wrong number of cells, unless ``options`` skip such rows, or at a row with a misplaced quote.
    """
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    rows = csv.reader(_lines(text, source), delimiter=dialect.delimiter, strict=True)
    header, line = dialect.header, 1
    try:
        for row in rows:
            bad = len(row) != len(dialect.names) and options.on_bad_rows == "fail"
            if row and bad:
                raise InputError(_wrong_width(source, line, len(row), dialect))
            if row and not header and len(row) == len(dialect.names):
                yield line, row
            header = header and not row
            line = rows.line_num + 1
    except csv.Error as error:
        raise InputError(_wrong_quotes(source, line, str(error))) from None


def _lines(text: io.TextIOWrapper, source: str) -> Iterator[str]:
    for number, line in enumerate(text, start=1):
        if "\0" in line:
            raise InputError(f"{source}, line {number}: NUL bytes: binary data, or damaged text")
        yield line


def _check_numbers(block: Rows, dialect: Dialect, options: ReadOptions, source: str) -> None:
    faults = [
        fault
        for j, (name, kind) in enumerate(zip(dialect.names, dialect.types, strict=True))
        if pt.is_integer(kind) or pt.is_floating(kind)
        for fault in _not_number([(line, row[j]) for line, row in block], name, dialect, options)
    ]
    if faults:
        line, name, cell = min(faults)
        raise InputError(
            f"{source}, line {line}, column '{printable(name, 60)}': '{printable(cell, 40)}' is not a "
            "number, the cells before it are: correct it, or list it among the missing markers (`missing`)"
        )


def _not_number(
    cells: list[tuple[int, str]], name: str, dialect: Dialect, options: ReadOptions
) -> Iterator[tuple[int, str, str]]:
    """Find the first cell of a column that is not a number, and yield its line number, column name and text.

    ``cells`` are pairs of the line number and the text of a cell of the column ``name``. Nothing is yielded if all
    cells are numbers or missing markers.
    """
    texts = strip_and_null(pa.array([cell for _, cell in cells], pa.large_string()), options.missing)
    if to_float(texts, dialect.decimal) is not None:
        return
    for i, (line, cell) in enumerate(cells):
        if to_float(texts[i : i + 1], dialect.decimal) is None:
            yield line, name, cell
            return


def _wrong_width(source: str, line: int, width: int, dialect: Dialect) -> str:
    columns = len(dialect.names)
    what = "the header has" if dialect.header else "the first line has"
    return (
        f"{source}, line {line}: {width} cell{'s' * (width != 1)}, {what} {columns}: correct the row, name "
        "the right `delimiter`, or give `on_bad_rows='skip'`"
    )


def _wrong_quotes(source: str, line: int, error: str) -> str:
    if "unexpected end" in error:
        return f"{source}, line {line}: an opened quote is never closed: close it, or double it"
    if "field larger" in error:
        return f"{source}, line {line}: a cell is too long ({error}): is a quote left open?"
    return f"{source}, line {line}: a quote ends inside a cell: double quotes in cells ({error})"
