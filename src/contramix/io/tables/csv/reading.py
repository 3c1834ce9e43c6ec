"""Read delimited files with Arrow's multi-threaded parser. If it fails, find the faulty line with a slow parser."""

import io
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.types as pt

from contramix.errors import InputError, printable
from contramix.io.options import ReadOptions
from contramix.io.records import Records
from contramix.io.tables.canonical import to_canonical
from contramix.io.tables.csv.cell_types import EXACT_DIGITS, convert_column, may_have_padding, strip_and_null
from contramix.io.tables.csv.diagnosis import find_first_fault
from contramix.io.tables.csv.dialect import MAX_ROW_BYTES, SAMPLE_BYTES, Dialect, infer_dialect
from contramix.io.tables.opening import open_utf8, to_arrow_stream

BLOCK_BYTES = 1 << 20
"""Number of bytes of a file that one thread of Arrow parses at a time."""
_FLOAT = pa.float64()


def read_delimited(path: str | os.PathLike[str], options: ReadOptions) -> Records:
    """Read a CSV, TSV or other delimited text file into memory.

    Numeric columns are detected in the first megabyte. If such a column has text later in the file, an error names the
    line. Leading zeros of numbers that occur only later in such a column, as in ``007``, are lost.

    Parameters
    ----------
    path
        The file. It may be compressed with gzip or zstd.
    options
        The delimiter, encoding and other properties of the file. Options that are None are detected.

    Returns
    -------
    Records
        A table with canonical column types, and notes on what was guessed or left out.

    Raises
    ------
    InputError
        If the file is not a table, a row or cell is faulty, or there are no rows.
    """
    source = printable(path)
    dialect = with_text_columns(detect_dialect(path, options, source), options.text)
    try:
        table, skipped = _read_all(path, dialect, options)
        long = _long_identifiers(table, dialect)
        if long:
            table, skipped = _read_all(path, with_text_columns(dialect, long), options)
    except (pa.ArrowInvalid, UnicodeError) as error:
        raise find_first_fault(path, dialect, options) or unreadable_csv_error(source, error, options) from None
    if table.num_rows == 0:
        raise InputError(no_rows_message(source, dialect, options, skipped))
    columns = [
        _convert(table[name], name in long, kind, dialect, options)
        for name, kind in zip(dialect.names, dialect.types, strict=True)
    ]
    return Records(to_canonical(pa.table(columns, dialect.names), source), reading_notes(dialect, skipped, long))


class CountingStream:
    """Wrap the byte stream of a CSV file, and record which special characters are read through it.

    After reading, ``quotes`` is the number of double quotes, ``nul`` whether there was a NUL byte, and ``x`` whether
    there was a letter x after the first line, which may belong to a hexadecimal number. Arrow parses 0x1F as an
    integer.
    """

    closed = False

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream, self.quotes, self.nul, self.x = stream, 0, False, False
        self._header = True

    def read(self, size: int = -1) -> bytes:
        chunk: bytes = self._stream.read(size)
        self.quotes += int((np.frombuffer(chunk, np.uint8) == ord('"')).sum())  # bytes.count is slow for many quotes
        self.nul = self.nul or b"\0" in chunk
        body = chunk.find(b"\n") + 1 if self._header else 0
        self.x = self.x or chunk.find(b"x", body) >= 0 or chunk.find(b"X", body) >= 0
        self._header = False
        return chunk

    @property
    def is_suspect(self) -> bool:
        """Return whether the bytes read so far contain a NUL byte or an odd number of quotes, the sign of a fault."""
        return self.nul or self.quotes % 2 == 1


def detect_dialect(path: str | os.PathLike[str], options: ReadOptions, source: str) -> Dialect:
    """Detect the dialect (delimiter, decimal mark, header and columns) of a file from its first megabyte.

    Only options that are None are detected. ``source`` is the name of the file in error messages.

    Raises
    ------
    InputError
        If the file is empty or not a text table, or if several dialects fit equally well.
    """
    try:
        with open_utf8(path, options.encoding) as stream:
            reader = io.BufferedReader(stream)
            sample = reader.read(SAMPLE_BYTES)
            complete = not reader.peek(1)
            end = max(sample.rfind(b"\n"), sample.rfind(b"\r")) + 1
            if not complete and sample.count(b"\n", 0, end) + sample.count(b"\r", 0, end) > 2:
                sample = sample[:end]
            elif not complete:
                sample += reader.readline(MAX_ROW_BYTES)
    except UnicodeError as error:
        raise unreadable_csv_error(source, error, options) from None
    if not sample:
        raise InputError(f"{source}: empty file (0 bytes)")
    return infer_dialect(sample, options, source)


def _read_all(path: str | os.PathLike[str], dialect: Dialect, options: ReadOptions) -> tuple[pa.Table, int]:
    """Read all rows of a delimited file with Arrow. Return the table and the number of bad rows that were skipped."""
    if all(map(_is_number, dialect.types)) and any(map(pt.is_integer, dialect.types)):
        # Twice as fast as float64. Fractions after the sample fail here, and hexadecimal numbers, which Arrow accepts,
        # are detected by their x.
        with suppress(pa.ArrowInvalid):
            table, skipped, has_x = _read_blocks(path, dialect, options, BLOCK_BYTES, pa.int64())
            if not has_x:
                return table, skipped
    try:
        return _read_blocks(path, dialect, options, BLOCK_BYTES)[:2]
    except pa.ArrowInvalid as error:
        if "straddl" not in str(error):  # Arrow's error for a row longer than a block
            raise
        return _read_blocks(path, dialect, options, MAX_ROW_BYTES)[:2]


def _read_blocks(
    path: str | os.PathLike[str], dialect: Dialect, options: ReadOptions, block: int, integer_type: pa.DataType = _FLOAT
) -> tuple[pa.Table, int, bool]:
    """Read all rows of a delimited file in blocks of ``block`` bytes, and parse integer columns as ``integer_type``.

    Return the table, the number of skipped bad rows, and whether there is an x after the first line, as in ``0x1F``.
    """
    skipped: list[int] = []
    with open_utf8(path, options.encoding) as stream:
        counted = CountingStream(stream)
        table = pyarrow.csv.read_csv(
            to_arrow_stream(counted), **arrow_csv_options(dialect, options, block, skipped, integer_type)
        )
    if counted.is_suspect or (counted.quotes and has_multiline_cells(table)):
        fault = find_first_fault(path, dialect, options)
        if fault is not None:
            raise fault
    return table, len(skipped), counted.x


def arrow_csv_options(
    dialect: Dialect, options: ReadOptions, block: int, skipped: list[int], integer_type: pa.DataType = _FLOAT
) -> dict[str, Any]:
    """Return the keyword arguments with which Arrow's CSV readers read a file of the given dialect.

    Parameters
    ----------
    dialect, options
        The dialect of the file, and the options of the user.
    block
        Number of bytes that Arrow parses at a time.
    skipped
        List to which the reader appends one entry for each bad row that it skips.
    integer_type
        Arrow type to which the cells of integer columns are parsed.
    """

    def skip(row: Any) -> str:
        skipped.append(1)
        return "skip"

    padded = [pad + marker + end for marker in options.missing for pad in ("", " ") for end in ("", " ")]
    return {
        "read_options": pyarrow.csv.ReadOptions(
            column_names=dialect.names, skip_rows_after_names=int(dialect.header), block_size=block
        ),
        "parse_options": pyarrow.csv.ParseOptions(
            delimiter=dialect.delimiter,
            newlines_in_values=True,
            invalid_row_handler=skip if options.on_bad_rows == "skip" else None,
        ),
        "convert_options": pyarrow.csv.ConvertOptions(
            column_types={
                n: _parsed_type(kind, integer_type) for n, kind in zip(dialect.names, dialect.types, strict=True)
            },
            null_values=padded,
            strings_can_be_null=True,
            decimal_point=dialect.decimal,
        ),
    }


def has_multiline_cells(table: pa.Table) -> bool:
    """Return whether any text cell contains a line break, which may come from a quote that is never closed."""
    texts = [column for column in table.columns if pt.is_large_string(column.type)]
    return any(_has_line_ends(column) for column in texts)


def _has_line_ends(column: pa.ChunkedArray) -> bool:
    texts = (np.frombuffer(chunk.buffers()[2] or b"", np.uint8) for chunk in column.chunks)
    return any(bool(((text == 10) | (text == 13)).any()) for text in texts)


def _parsed_type(kind: pa.DataType, integer_type: pa.DataType) -> pa.DataType:
    """Return the type to which Arrow parses the cells of a column of type ``kind``.

    It is ``integer_type`` for integers, float64 for floats, and text for all other types, such as dates.
    """
    return integer_type if pt.is_integer(kind) else _FLOAT if pt.is_floating(kind) else pa.large_string()


def _is_number(kind: pa.DataType) -> bool:
    return bool(pt.is_floating(kind) or pt.is_integer(kind))


def with_text_columns(dialect: Dialect, names: Sequence[str]) -> Dialect:
    """Return a copy of the dialect in which the columns ``names`` have the type text."""
    kinds, kept = zip(dialect.names, dialect.types, strict=True), set(names)
    types = [pa.large_string() if name in kept else kind for name, kind in kinds]
    return dialect._replace(types=types)


def _long_identifiers(table: pa.Table, dialect: Dialect) -> list[str]:
    """Return the names of the integer columns with a value of more digits than float64 represents exactly."""
    integers = [name for name, kind in zip(dialect.names, dialect.types, strict=True) if pt.is_integer(kind)]
    return [
        name for name in integers if max_magnitude(table[name]) >= 10**EXACT_DIGITS and all_whole_numbers(table[name])
    ]


def all_whole_numbers(column: pa.ChunkedArray) -> bool:
    """Return whether all cells of a numeric column are finite integers or null."""
    is_integer = pc.and_(pc.is_finite(column), pc.equal(column, pc.trunc(column)))
    return bool(pc.all(is_integer, min_count=0).as_py())


def to_int64_if_whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cast a float64 column to int64, or return it unchanged if a cell is not an integer."""
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column


def max_magnitude(column: pa.ChunkedArray) -> float:
    """Return the largest absolute value of a numeric column, or 0.0 if all cells are null."""
    ends = pc.min_max(column).as_py()
    return float(max(abs(ends["min"] or 0.0), abs(ends["max"] or 0.0)))


def _convert(
    column: pa.ChunkedArray, keep_text: bool, kind: pa.DataType, dialect: Dialect, options: ReadOptions
) -> Any:
    """Convert a column, which Arrow has parsed as numbers or text, to its final type, and return it as an Arrow array.

    ``kind`` is the type of the column in ``dialect``. If ``keep_text``, no other type is inferred for a text column.
    """
    if _is_number(column.type):
        return to_int64_if_whole(column) if pt.is_integer(kind) else column
    column = strip_text(column, options)
    return column if keep_text or pt.is_large_string(kind) else convert_column(column, dialect.decimal)


def reading_notes(dialect: Dialect, skipped: int, long: Sequence[str]) -> tuple[str, ...]:
    """Return one-line notes for the user, such as "3 bad rows skipped (too few or too many cells)".

    The notes of the dialect come first. ``skipped`` is the number of skipped rows, and ``long`` holds the names of the
    columns that are kept as text, because they hold integers with too many digits for float64.
    """
    notes = list(dialect.notes)
    if skipped:
        notes.append(f"{skipped} bad rows skipped (too few or too many cells)")
    if long:
        listed = ", ".join(f"'{printable(name, 60)}'" for name in long)
        notes.append(f"integers of more than {EXACT_DIGITS} digits are kept as text: {listed}")
    return tuple(notes)


def strip_text(column: pa.ChunkedArray, options: ReadOptions) -> pa.ChunkedArray:
    """Strip white space from text cells, and replace the missing markers in ``options`` with null."""
    # Arrow has already replaced the markers without padding.
    return strip_and_null(column, options.missing) if may_have_padding(column) else column


def no_rows_message(source: str, dialect: Dialect, options: ReadOptions, skipped: int) -> str:
    """Return the error message for a file without rows, such as "a.csv: no rows, only a header: add rows".

    ``skipped`` is the number of rows that were skipped as bad.
    """
    if skipped:
        return f"{source}: no rows left, {skipped} were skipped as bad: is the delimiter right (`delimiter`)?"
    hint = "" if options.header else ", or give `header=False` if the first line is one"
    return f"{source}: no rows, only a header: add rows{hint}"


def unreadable_csv_error(source: str, error: Exception, options: ReadOptions) -> InputError:
    """Return an InputError with a message for the user, given an ``error`` of Arrow or Python in reading a CSV file.

    For example, the message on a UnicodeError is "a.csv: byte 0xff is not ascii: name the right `encoding`".
    """
    if isinstance(error, UnicodeDecodeError):
        byte = error.object[error.start : error.start + 1].hex()
        return InputError(f"{source}: byte 0x{byte} is not {options.encoding}: name the right `encoding`")
    if isinstance(error, UnicodeError):
        return InputError(f"{source}: is not {options.encoding} ({error}): name the right `encoding`")
    if "straddl" in str(error):
        return InputError(f"{source}: a row is longer than {MAX_ROW_BYTES >> 20} MiB: is a quote left open?")
    return InputError(f"{source}: cannot be read ({printable(str(error).partition(chr(10))[0], 200)})")
