"""Read CSV and its kin: strictly and with all threads when the file is sound, line by line when it is not."""

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
from contramix.io.tables.csv.dialect import MAX_ROW_BYTES, SAMPLE_BYTES, Dialect, sniff_dialect
from contramix.io.tables.opening import open_utf8, to_arrow_stream

BLOCK_BYTES = 1 << 20
_FLOAT = pa.float64()


def read_delimited(path: str | os.PathLike[str], options: ReadOptions) -> Records:
    """Read a CSV, TSV or other delimited file; see `contramix.io.tables.reading.read`.

    Column types are found in the first ``SAMPLE_BYTES`` and hold for the whole file: a column of numbers with
    text further down is an error that names the line. A leading zero that comes only after the sample is
    not seen.
    """
    source = printable(path)
    layout = with_text_columns(detect_dialect(path, options, source), options.text)
    try:
        table, skipped = _read_all(path, layout, options)
        long = _long_identifiers(table, layout)
        if long:
            table, skipped = _read_all(path, with_text_columns(layout, long), options)
    except (pa.ArrowInvalid, UnicodeError) as error:
        raise find_first_fault(path, layout, options) or unreadable_csv_error(source, error, options) from None
    if table.num_rows == 0:
        raise InputError(no_rows_message(source, layout, options, skipped))
    columns = [
        _finished(table[name], name in long, kind, layout, options)
        for name, kind in zip(layout.names, layout.types, strict=True)
    ]
    return Records(to_canonical(pa.table(columns, layout.names), source), reading_notes(layout, skipped, long))


class CountingStream:
    """A stream that counts quotes, NUL bytes and letters x behind the first line as they pass."""

    closed = False

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream, self.quotes, self.nul, self.x = stream, 0, False, False
        self._header = True

    def read(self, size: int = -1) -> bytes:
        chunk: bytes = self._stream.read(size)
        self.quotes += int((np.frombuffer(chunk, np.uint8) == ord('"')).sum())  # count() is slow where there are many
        self.nul = self.nul or b"\0" in chunk
        body = chunk.find(b"\n") + 1 if self._header else 0
        self.x = self.x or chunk.find(b"x", body) >= 0 or chunk.find(b"X", body) >= 0
        self._header = False
        return chunk

    @property
    def odd(self) -> bool:
        """Whether something has passed that no sound file holds."""
        return self.nul or self.quotes % 2 == 1


def detect_dialect(path: str | os.PathLike[str], options: ReadOptions, source: str) -> Dialect:
    """How the file is written, by its first ``SAMPLE_BYTES``."""
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
    return sniff_dialect(sample, options, source)


def _read_all(path: str | os.PathLike[str], layout: Dialect, options: ReadOptions) -> tuple[pa.Table, int]:
    """The strict read: every row of the right width, every declared number one. Also the rows skipped."""
    if all(map(_is_number, layout.types)) and any(map(pt.is_integer, layout.types)):
        # Twice as fast, but for what may come behind the sample: fractions, and 0x1F, which Arrow would take.
        with suppress(pa.ArrowInvalid):
            table, skipped, x = _read_blocks(path, layout, options, BLOCK_BYTES, pa.int64())
            if not x:
                return table, skipped
    try:
        return _read_blocks(path, layout, options, BLOCK_BYTES)[:2]
    except pa.ArrowInvalid as error:
        if "straddl" not in str(error):  # a row longer than a block
            raise
        return _read_blocks(path, layout, options, MAX_ROW_BYTES)[:2]


def _read_blocks(
    path: str | os.PathLike[str], layout: Dialect, options: ReadOptions, block: int, whole: pa.DataType = _FLOAT
) -> tuple[pa.Table, int, bool]:
    """The table, the rows skipped, and whether there is an x in it; whole numbers are parsed as a type."""
    skipped: list[int] = []
    with open_utf8(path, options.encoding) as stream:
        watched = CountingStream(stream)
        table = pyarrow.csv.read_csv(
            to_arrow_stream(watched), **arrow_csv_options(layout, options, block, skipped, whole)
        )
    if watched.odd or (watched.quotes and has_multiline_cells(table)):
        fault = find_first_fault(path, layout, options)
        if fault is not None:
            raise fault
    return table, len(skipped), watched.x


def arrow_csv_options(
    layout: Dialect, options: ReadOptions, block: int, skipped: list[int], whole: pa.DataType = _FLOAT
) -> dict[str, Any]:
    """What Arrow's readers of CSV are told; ``skipped`` grows by one for each bad row that is left out, and what are
    whole numbers by the sample is parsed as ``whole``."""

    def skip(row: Any) -> str:
        skipped.append(1)
        return "skip"

    padded = [pad + marker + end for marker in options.missing for pad in ("", " ") for end in ("", " ")]
    return {
        "read_options": pyarrow.csv.ReadOptions(
            column_names=layout.names, skip_rows_after_names=int(layout.header), block_size=block
        ),
        "parse_options": pyarrow.csv.ParseOptions(
            delimiter=layout.delimiter,
            newlines_in_values=True,
            invalid_row_handler=skip if options.on_bad_rows == "skip" else None,
        ),
        "convert_options": pyarrow.csv.ConvertOptions(
            column_types={n: _declared(kind, whole) for n, kind in zip(layout.names, layout.types, strict=True)},
            null_values=padded,
            strings_can_be_null=True,
            decimal_point=layout.decimal,
        ),
    }


def has_multiline_cells(table: pa.Table) -> bool:
    """Whether a cell goes over several lines: Arrow takes an unclosed quote for a long cell."""
    texts = [column for column in table.columns if pt.is_large_string(column.type)]
    return any(_has_line_ends(column) for column in texts)


def _has_line_ends(column: pa.ChunkedArray) -> bool:
    texts = (np.frombuffer(chunk.buffers()[2] or b"", np.uint8) for chunk in column.chunks)
    return any(bool(((text == 10) | (text == 13)).any()) for text in texts)


def _declared(kind: pa.DataType, whole: pa.DataType) -> pa.DataType:
    """What Arrow is to read: numbers, and the rest as text that is looked at when it is all there."""
    return whole if pt.is_integer(kind) else _FLOAT if pt.is_floating(kind) else pa.large_string()


def _is_number(kind: pa.DataType) -> bool:
    return bool(pt.is_floating(kind) or pt.is_integer(kind))


def with_text_columns(layout: Dialect, names: Sequence[str]) -> Dialect:
    """The layout, with these columns read as text."""
    kinds, kept = zip(layout.names, layout.types, strict=True), set(names)
    types = [pa.large_string() if name in kept else kind for name, kind in kinds]
    return layout._replace(types=types)


def _long_identifiers(table: pa.Table, layout: Dialect) -> list[str]:
    """Columns of whole numbers, by the sample, in which float64 has met more digits than it can hold."""
    whole = [name for name, kind in zip(layout.names, layout.types, strict=True) if pt.is_integer(kind)]
    return [name for name in whole if max_magnitude(table[name]) >= 10**EXACT_DIGITS and all_whole_numbers(table[name])]


def all_whole_numbers(column: pa.ChunkedArray) -> bool:
    """All cells whole and finite (a column without cells counts)."""
    whole = pc.and_(pc.is_finite(column), pc.equal(column, pc.trunc(column)))
    return bool(pc.all(whole, min_count=0).as_py())


def to_int64_if_whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """As int64, where all cells are whole."""
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column


def max_magnitude(column: pa.ChunkedArray) -> float:
    """The largest number without its sign; 0 if there is none."""
    ends = pc.min_max(column).as_py()
    return float(max(abs(ends["min"] or 0.0), abs(ends["max"] or 0.0)))


def _finished(column: pa.ChunkedArray, kept: bool, kind: pa.DataType, layout: Dialect, options: ReadOptions) -> Any:
    """A column as read, in the type its cells have."""
    if _is_number(column.type):
        return to_int64_if_whole(column) if pt.is_integer(kind) else column
    column = strip_text(column, options)
    return column if kept or pt.is_large_string(kind) else convert_column(column, layout.decimal)


def reading_notes(layout: Dialect, skipped: int, long: Sequence[str]) -> tuple[str, ...]:
    """What was guessed of the file, how many bad rows were skipped, and which identifiers were found."""
    notes = list(layout.notes)
    if skipped:
        notes.append(f"{skipped} bad rows skipped (too few or too many cells)")
    if long:
        listed = ", ".join(f"'{printable(name, 60)}'" for name in long)
        notes.append(f"whole numbers of more than {EXACT_DIGITS} digits are kept as text: {listed}")
    return tuple(notes)


def strip_text(column: pa.ChunkedArray, options: ReadOptions) -> pa.ChunkedArray:
    """Text cells without spaces around them, and without those that mean «missing»."""
    return (
        strip_and_null(column, options.missing) if may_have_padding(column) else column
    )  # Arrow has taken plain ones out


def no_rows_message(source: str, layout: Dialect, options: ReadOptions, skipped: int) -> str:
    """What to say of a file without rows."""
    if skipped:
        return f"{source}: no rows left, {skipped} were skipped as bad: is the delimiter right (--delimiter)?"
    hint = "" if options.header else ", or give --no-header if the first line is one"
    return f"{source}: no rows, only a header: add rows{hint}"


def unreadable_csv_error(source: str, error: Exception, options: ReadOptions) -> InputError:
    """What to say of a file in which nothing wrong was found, and that cannot be read."""
    if isinstance(error, UnicodeDecodeError):
        byte = error.object[error.start : error.start + 1].hex()
        return InputError(f"{source}: byte 0x{byte} is not {options.encoding}: name the right --encoding")
    if isinstance(error, UnicodeError):
        return InputError(f"{source}: is not {options.encoding} ({error}): name the right --encoding")
    if "straddl" in str(error):
        return InputError(f"{source}: a row is longer than {MAX_ROW_BYTES >> 20} MiB: is a quote left open?")
    return InputError(f"{source}: cannot be read ({printable(str(error).partition(chr(10))[0], 200)})")
