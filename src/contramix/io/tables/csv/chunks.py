"""Read delimited files chunk by chunk: one pass determines the column types, and a second pass reads the rows."""

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
"""Number of bytes that Arrow parses at a time. Each block becomes one table."""
EXAMPLE_CELLS = 4096
"""Maximum number of distinct cells per column that are kept, to infer the type of each chunk together with them.

One chunk may not determine a type: 01/02/2020 does not show whether the column's dates start with day or month.
"""


class DelimitedFile:
    """Read a CSV or other delimited file in chunks of rows, with the same column types in all chunks.

    Creating the object reads the complete file once to check it and to determine the column types. Each call of
    `tables` reads the file again and yields its chunks as Arrow tables.

    Parameters
    ----------
    path
        The file.
    options
        The delimiter, encoding and other properties of the file. Options that are None are detected.

    Attributes
    ----------
    schema
        Names and canonical types of the columns.
    rows
        Number of rows.
    notes
        One-line notes for the user on what was guessed or left out.
    empty_columns
        Names of columns in which all cells are missing.

    Raises
    ------
    InputError
        If the file is not a table, a row or cell is faulty, or there are no rows.
    """

    def __init__(self, path: str | os.PathLike[str], options: ReadOptions) -> None:
        self._path, self._options = path, options
        source = printable(path)
        self._dialect = with_text_columns(detect_dialect(path, options, source), options.text)
        self._block = BLOCK_BYTES
        try:
            skipped = self._survey()
        except pa.ArrowInvalid as error:
            if "straddl" not in str(error):
                raise self._explain(error) from None
            self._block = MAX_ROW_BYTES  # a row longer than a block
            skipped = self._survey_or_explain()
        except UnicodeError as error:
            raise self._explain(error) from None
        if self.rows == 0:
            raise InputError(no_rows_message(source, self._dialect, options, skipped))
        long = [column.name for column in self._columns if column.is_long_integer]
        self.notes = reading_notes(self._dialect, skipped, long)
        self._dialect = with_text_columns(self._dialect, long)
        self.schema = pa.schema([(column.name, column.type) for column in self._columns])
        self.empty_columns = frozenset(column.name for column in self._columns if not column.has_values)

    def tables(self, start: int = 0) -> Iterator[pa.Table]:
        """Yield the rows from number ``start`` to the end of the file as tables.

        Each table holds the rows of one block, which is usually ``BLOCK_BYTES`` of the file.
        """
        try:
            with open_utf8(self._path, self._options.encoding) as stream:
                for table in self._parsed(stream, []):
                    if start < table.num_rows:
                        yield self._convert(table.slice(start))
                    start = max(0, start - table.num_rows)
        except (pa.ArrowInvalid, UnicodeError) as error:
            raise self._explain(error) from None

    def _survey(self) -> int:
        """Read the complete file to count its rows and determine the column types.

        Return the number of bad rows that were skipped.
        """
        skipped: list[int] = []
        self.rows = 0
        self._columns = [
            ColumnTypeTracker(name, kind, self._dialect, self._options)
            for name, kind in zip(self._dialect.names, self._dialect.types, strict=True)
        ]
        with open_utf8(self._path, self._options.encoding) as stream:
            counted, broken = CountingStream(stream), False
            for table in self._parsed(to_arrow_stream(counted), skipped):
                self.rows += table.num_rows
                broken = broken or bool(counted.quotes and has_multiline_cells(table))
                for column, cells in zip(self._columns, table.columns, strict=True):
                    column.update(cells)
        fault = find_first_fault(self._path, self._dialect, self._options) if counted.is_suspect or broken else None
        if fault is not None:
            raise fault
        return len(skipped)

    def _survey_or_explain(self) -> int:
        try:
            return self._survey()
        except (pa.ArrowInvalid, UnicodeError) as error:
            raise self._explain(error) from None

    def _parsed(self, stream: pa.NativeFile, skipped: list[int]) -> Iterator[pa.Table]:
        arguments = arrow_csv_options(self._dialect, self._options, self._block, skipped)
        with pyarrow.csv.open_csv(stream, **arguments) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])

    def _convert(self, table: pa.Table) -> pa.Table:
        columns = [column.convert(cells) for column, cells in zip(self._columns, table.columns, strict=True)]
        return pa.table(columns, schema=self.schema)

    def _explain(self, error: Exception) -> InputError:
        found = find_first_fault(self._path, self._dialect, self._options)
        return found or unreadable_csv_error(printable(self._path), error, self._options)


class ColumnTypeTracker:
    """Determine the type of one CSV column while its cells are read chunk by chunk, and convert cells to this type.

    A column of numbers or text in the first megabyte of the file keeps this type, except that integers become float64
    or text if later cells require it. A column with only dates, booleans or nulls there is typed chunk by chunk: the
    first ``EXAMPLE_CELLS`` distinct cells of the column are prepended to each chunk to infer its type.

    Parameters
    ----------
    name
        Name of the column.
    kind
        Type of the column inferred from the first megabyte of the file.
    dialect
        The dialect of the file, of which the decimal mark is used.
    options
        The options, of which the missing markers are used.
    """

    def __init__(self, name: str, kind: pa.DataType, dialect: Dialect, options: ReadOptions) -> None:
        self.name, self._kind, self._decimal, self._options = name, kind, dialect.decimal, options
        self.has_values = False
        """Whether any cell so far is not null."""
        self._whole, self._largest = True, 0.0
        self._types: set[pa.DataType] = set()
        self._examples = pa.array([], pa.large_string())

    def update(self, cells: pa.ChunkedArray) -> None:
        """Adapt the type of the column to its next cells, which Arrow has parsed as float64 or text."""
        if pt.is_floating(cells.type):
            if pt.is_integer(self._kind) and self._whole:
                self._whole = pt.is_integer(to_int64_if_whole(cells).type) or all_whole_numbers(cells)
                self._largest = max(self._largest, max_magnitude(cells))
        elif not (self.has_values and self._is_text):
            cells = strip_text(cells, self._options)
            if not self._is_text:
                self._infer(cells.combine_chunks())
        self.has_values = self.has_values or cells.null_count < len(cells)

    @property
    def is_long_integer(self) -> bool:
        """Return whether all cells so far are integers, and at least one has more than ``EXACT_DIGITS`` digits."""
        return pt.is_integer(self._kind) and self._whole and self._largest >= 10**EXACT_DIGITS

    @property
    def type(self) -> pa.DataType:
        """Return the canonical Arrow type that fits all cells so far."""
        if not self.has_values:
            return pa.float64()
        if self.is_long_integer or self._is_text:
            return pa.large_string()
        if pt.is_integer(self._kind) or pt.is_floating(self._kind):
            return pa.int64() if pt.is_integer(self._kind) and self._whole else pa.float64()
        seen = {kind for kind in self._types if not pt.is_null(kind)}
        if len(seen) == 1:
            return seen.pop()
        return pa.float64() if seen == {pa.int64(), pa.float64()} else pa.large_string()

    def convert(self, cells: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
        """Convert cells of the column, which Arrow has parsed as float64 or text, to the type of the entire column."""
        if pt.is_floating(cells.type):
            return cells.cast(self.type)
        cells = strip_text(cells, self._options)
        if pt.is_large_string(self.type) or cells.null_count == len(cells):
            return cells.cast(self.type)
        return self._convert_with_examples(cells.combine_chunks()).cast(self.type)

    @property
    def _is_text(self) -> bool:
        return bool(pt.is_large_string(self._kind))

    def _infer(self, cells: pa.Array) -> None:
        """Infer the type of the next text cells, record it, and keep distinct cells as examples for later chunks."""
        if len(self._examples) < EXAMPLE_CELLS:
            both = pa.concat_arrays([self._examples, cells.drop_null()])
            self._examples = both.unique().slice(0, EXAMPLE_CELLS)
        self._types.add(self._convert_with_examples(cells).type)

    def _convert_with_examples(self, cells: pa.Array) -> pa.Array:
        """Convert cells to the type inferred from the example cells and these cells together."""
        return convert_column(pa.concat_arrays([self._examples, cells]), self._decimal).slice(len(self._examples))
