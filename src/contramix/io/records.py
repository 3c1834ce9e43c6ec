"""Hold the records of a data set as rows of an Arrow table, with notes and a list of the files that were skipped."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

SPLIT = "part"
"""Name of the column that holds a record's official split: ``train``, ``valid`` or ``test``."""
LABEL = "label"
"""Name of the column of labels that come with the data, such as class folders, IDX or CIFAR labels."""
FILE = "file"
"""Name of the column that holds a record's file, relative to the path that was read."""


class BadFile(NamedTuple):
    """Name a file that was skipped, and give the reason in a few words."""

    file: str
    reason: str


@dataclass(frozen=True)
class Records:
    """Hold all records of a data set in memory, one row a record.

    Images and audio clips are a column of the table (``image``, ``audio``). The columns ``file``, ``label`` and
    ``part`` are added where the data provide them. Labels, extra columns and row numbers therefore work the same way in
    every domain.

    Parameters
    ----------
    table
        The records, one row each.
    notes
        One-line notes on what was guessed or left out.
    target
        Name of the label column that comes with the data, if there is one.
    bad_files
        Files that could not be read.
    splits
        Names of the official splits in the column ``part``. Empty for tables, whose columns belong to the user.
    """

    table: pa.Table
    notes: tuple[str, ...] = ()
    target: str | None = None
    bad_files: tuple[BadFile, ...] = ()
    splits: tuple[str, ...] = ()

    @property
    def training(self) -> pa.Table:
        """Return the rows of the official training split, or all rows if the data have no splits."""
        return self.table if (train := self._rows_of("train")) is None else train

    @property
    def test(self) -> pa.Table | None:
        """Return the rows of the official test split, or None if there is none."""
        return self._rows_of("test")

    def _rows_of(self, split: str) -> pa.Table | None:
        if split not in self.splits:
            return None
        return self.table.filter(pc.equal(self.table.column(SPLIT), split))


@dataclass(frozen=True)
class RecordChunks:
    """Iterate over the records of a data set chunk by chunk, for data that do not fit into memory.

    Iterating yields Arrow tables. It can be repeated.

    Parameters
    ----------
    schema
        Names and types of the columns, the same in every chunk.
    rows
        Total number of rows.
    read_rows
        Function that yields the rows from ``start`` to ``stop`` (exclusive) as tables, in order.
    notes, bad_files
        As in `Records`.
    empty_columns
        Names of columns without any value. Their type is arbitrary.
    file_starts
        Number of the first row of each file that the data consist of, in order.
    table
        All rows, if they are in memory already.
    """

    schema: pa.Schema
    rows: int
    read_rows: Callable[[int, int], Iterator[pa.Table]] = field(repr=False)
    notes: tuple[str, ...] = ()
    empty_columns: frozenset[str] = frozenset()
    bad_files: tuple[BadFile, ...] = ()
    file_starts: tuple[int, ...] = (0,)
    table: pa.Table | None = None

    def __iter__(self) -> Iterator[pa.Table]:
        return self.read_rows(0, self.rows)

    @property
    def empty_table(self) -> pa.Table:
        """Return a table with these columns and no rows."""
        return pa.Table.from_batches([], self.schema)  # schema.empty_table() fails for tensor columns

    @classmethod
    def from_records(cls, records: Records) -> "RecordChunks":
        """Return records that are in memory as a single chunk."""
        table = records.table

        def read_rows(start: int, stop: int) -> Iterator[pa.Table]:
            yield table.slice(start, stop - start)

        return cls(table.schema, table.num_rows, read_rows, records.notes, bad_files=records.bad_files, table=table)


def is_text(kind: pa.DataType) -> bool:
    """Return whether an Arrow type is one of the string types."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
