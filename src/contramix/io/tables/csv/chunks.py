"""CSV and its kin, portion by portion: once through the file to see what its columns are, then again to read them."""

import os
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv
import pyarrow.types as pt

from contramix.errors import InputError, printable
from contramix.io.options import ReadOptions
from contramix.io.tables.csv.cell_types import EXACT_DIGITS, convert_column
from contramix.io.tables.csv.diagnosis import find_first_fault
from contramix.io.tables.csv.dialect import MAX_ROW_BYTES, Dialect
from contramix.io.tables.csv.reading import (
    CountingStream,
    all_whole_numbers,
    arrow_csv_options,
    detect_dialect,
    has_multiline_cells,
    max_magnitude,
    no_rows_message,
    reading_notes,
    strip_text,
    to_int64_if_whole,
    unreadable_csv_error,
    with_text_columns,
)
from contramix.io.tables.opening import open_utf8, to_arrow_stream

BLOCK_BYTES = 1 << 22
EXAMPLE_CELLS = 4096
"""Different cells of a column that are kept to judge all others beside: dates in one order, with or without zones."""


class DelimitedFile:
    """A delimited file that has been read once: what it holds is known, and that it is sound.

    Where the first megabyte does not settle what a column is (it holds only dates, booleans or nothing there), its
    cells are judged portion by portion beside the first ``EXAMPLE_CELLS`` different ones.

    Raises
    ------
    InputError
        As `contramix.io.tables.csv.reading.read_delimited` raises.
    """

    def __init__(self, path: str | os.PathLike[str], options: ReadOptions) -> None:
        self._path, self._options = path, options
        source = printable(path)
        self._layout = with_text_columns(detect_dialect(path, options, source), options.text)
        self._block = BLOCK_BYTES
        try:
            skipped = self._survey()
        except pa.ArrowInvalid as error:
            if "straddl" not in str(error):
                raise self._fault(error) from None
            self._block = MAX_ROW_BYTES  # a row longer than a block
            skipped = self._surveyed_again()
        except UnicodeError as error:
            raise self._fault(error) from None
        if self.rows == 0:
            raise InputError(no_rows_message(source, self._layout, options, skipped))
        long = [column.name for column in self._columns if column.long]
        self.notes = reading_notes(self._layout, skipped, long)
        self._layout = with_text_columns(self._layout, long)
        self.schema = pa.schema([(column.name, column.type) for column in self._columns])
        self.empty_columns = frozenset(column.name for column in self._columns if not column.any)

    def tables(self, start: int = 0) -> Iterator[pa.Table]:
        """The rows from ``start`` on, in tables of some thousand rows."""
        try:
            with open_utf8(self._path, self._options.encoding) as stream:
                for table in self._parsed(stream, []):
                    if start < table.num_rows:
                        yield self._finished(table.slice(start))
                    start = max(0, start - table.num_rows)
        except (pa.ArrowInvalid, UnicodeError) as error:
            raise self._fault(error) from None

    def _survey(self) -> int:
        """See all cells once; the number of rows skipped."""
        skipped: list[int] = []
        self.rows = 0
        self._columns = [
            ColumnTypeTracker(name, kind, self._layout, self._options)
            for name, kind in zip(self._layout.names, self._layout.types, strict=True)
        ]
        with open_utf8(self._path, self._options.encoding) as stream:
            watched, broken = CountingStream(stream), False
            for table in self._parsed(to_arrow_stream(watched), skipped):
                self.rows += table.num_rows
                broken = broken or bool(watched.quotes and has_multiline_cells(table))
                for column, cells in zip(self._columns, table.columns, strict=True):
                    column.see(cells)
        fault = find_first_fault(self._path, self._layout, self._options) if watched.odd or broken else None
        if fault is not None:
            raise fault
        return len(skipped)

    def _surveyed_again(self) -> int:
        try:
            return self._survey()
        except (pa.ArrowInvalid, UnicodeError) as error:
            raise self._fault(error) from None

    def _parsed(self, stream: pa.NativeFile, skipped: list[int]) -> Iterator[pa.Table]:
        how = arrow_csv_options(self._layout, self._options, self._block, skipped)
        with pyarrow.csv.open_csv(stream, **how) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])

    def _finished(self, table: pa.Table) -> pa.Table:
        columns = [column.read(cells) for column, cells in zip(self._columns, table.columns, strict=True)]
        return pa.table(columns, schema=self.schema)

    def _fault(self, error: Exception) -> InputError:
        found = find_first_fault(self._path, self._layout, self._options)
        return found or unreadable_csv_error(printable(self._path), error, self._options)


class ColumnTypeTracker:
    """What has been seen of a column, and so how it is read."""

    def __init__(self, name: str, kind: pa.DataType, layout: Dialect, options: ReadOptions) -> None:
        self.name, self._kind, self._decimal, self._options = name, kind, layout.decimal, options
        self.any = False
        """Whether there is any value."""
        self._whole, self._largest = True, 0.0
        self._types: set[pa.DataType] = set()
        self._witnesses = pa.array([], pa.large_string())

    def see(self, cells: pa.ChunkedArray) -> None:
        """Take note of some cells as they were parsed: numbers, or text."""
        if pt.is_floating(cells.type):
            if pt.is_integer(self._kind) and self._whole:
                self._whole = pt.is_integer(to_int64_if_whole(cells).type) or all_whole_numbers(cells)
                self._largest = max(self._largest, max_magnitude(cells))
        elif not (self.any and self._is_text):
            cells = strip_text(cells, self._options)
            if not self._is_text:
                self._judge(cells.combine_chunks())
        self.any = self.any or cells.null_count < len(cells)

    @property
    def long(self) -> bool:
        """Whether these are whole numbers of more digits than a float holds, by the sample and all that follows."""
        return pt.is_integer(self._kind) and self._whole and self._largest >= 10**EXACT_DIGITS

    @property
    def type(self) -> pa.DataType:
        """The canonical type of all cells together."""
        if not self.any:
            return pa.float64()
        if self.long or self._is_text:
            return pa.large_string()
        if pt.is_integer(self._kind) or pt.is_floating(self._kind):
            return pa.int64() if pt.is_integer(self._kind) and self._whole else pa.float64()
        seen = {kind for kind in self._types if not pt.is_null(kind)}
        if len(seen) == 1:
            return seen.pop()
        return pa.float64() if seen == {pa.int64(), pa.float64()} else pa.large_string()

    def read(self, cells: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
        """Cells as they were parsed, in the column's type."""
        if pt.is_floating(cells.type):
            return cells.cast(self.type)
        cells = strip_text(cells, self._options)
        if pt.is_large_string(self.type) or cells.null_count == len(cells):
            return cells.cast(self.type)
        return self._typed(cells.combine_chunks()).cast(self.type)

    @property
    def _is_text(self) -> bool:
        return bool(pt.is_large_string(self._kind))

    def _judge(self, cells: pa.Array) -> None:
        """Of a column that the sample does not settle."""
        if len(self._witnesses) < EXAMPLE_CELLS:
            both = pa.concat_arrays([self._witnesses, cells.drop_null()])
            self._witnesses = both.unique().slice(0, EXAMPLE_CELLS)
        self._types.add(self._typed(cells).type)

    def _typed(self, cells: pa.Array) -> pa.Array:
        """Cells in the type that they have beside the witnesses."""
        return convert_column(pa.concat_arrays([self._witnesses, cells]), self._decimal).slice(len(self._witnesses))
