"""Represent the records of a data set as rows of an Arrow table, all at once or chunk by chunk."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

SPLIT = "part"
"""Name of the column with the official split of each record: ``train``, ``valid`` or ``test``."""
LABEL = "label"
"""Name of the column of labels that come with the data, such as the names of class folders."""
FILE = "file"
"""Name of the column with the file of each record, as a path relative to the folder that was read."""


class BadFile(NamedTuple):
    """Name a file that was skipped because it cannot be read, with a short reason, such as ``truncated``."""

    file: str
    reason: str


@dataclass(frozen=True)
class Records:
    """Store all records of a data set in memory, as a table with one row per record.

    Images and audio clips are stored in a column of the table (``image`` or ``audio``). The columns ``file``, ``label``
    and ``part`` (the official split) are present if the data provide them.

    Parameters
    ----------
    table
        The records.
    notes
        One-line notes for the user on what was guessed or left out during reading.
    target
        Name of the column of labels that come with the data, or None if there are no such labels.
    bad_files
        Files that could not be read.
    splits
        Names of the official splits in the column ``part``. Empty if the data have no official splits. Always empty for
        the domain of tables, in which a column ``part`` has no special meaning.
    """

    table: pa.Table
    notes: tuple[str, ...] = ()
    target: str | None = None
    bad_files: tuple[BadFile, ...] = ()
    splits: tuple[str, ...] = ()

    @property
    def training(self) -> pa.Table:
        """Return the rows of the official training split, or all rows if the data have no official training split."""
        return self.table if (train := self._rows_of("train")) is None else train

    @property
    def test(self) -> pa.Table | None:
        """Return the rows of the official test split, or None if the data have no official test split."""
        return self._rows_of("test")

    def _rows_of(self, split: str) -> pa.Table | None:
        if split not in self.splits:
            return None
        return self.table.filter(pc.equal(self.table.column(SPLIT), split))


@dataclass(frozen=True)
class RecordChunks:
    """Iterate over the records of a data set chunk by chunk, for data that do not fit into memory.

    Each iteration reads the data from the beginning and yields Arrow tables.

    Parameters
    ----------
    schema
        Names and types of the columns. Every chunk has this schema.
    rows
        Total number of rows.
    read_rows
        Function ``read_rows(start, stop)`` that yields the rows ``start`` to ``stop - 1`` as tables, in order.
    notes
        One-line notes for the user on what was guessed or left out during reading.
    empty_columns
        Names of columns in which all values are null. Their type in ``schema`` has no meaning.
    bad_files
        Files that could not be read.
    file_starts
        For each file of the data set, the number of its first row.
    table
        A table of all rows if they are in memory, else None.
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
        """Return a table with the schema of the chunks and without rows."""
        return pa.Table.from_batches([], self.schema)  # schema.empty_table() fails for tensor columns

    @classmethod
    def from_records(cls, records: Records) -> "RecordChunks":
        """Wrap records that are in memory, such that iterating yields their table as a single chunk."""
        table = records.table

        def read_rows(start: int, stop: int) -> Iterator[pa.Table]:
            yield table.slice(start, stop - start)

        return cls(table.schema, table.num_rows, read_rows, records.notes, bad_files=records.bad_files, table=table)


def is_text(kind: pa.DataType) -> bool:
    """Return whether an Arrow type is a string type (string, large_string or string_view)."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
