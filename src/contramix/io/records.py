"""What a reader hands back: records as the rows of a table, whatever the domain, and what could not be read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

SPLIT = "part"
"""The column that says to which official part a record belongs: ``train``, ``valid`` or ``test``."""
LABEL = "label"
"""The column of the labels that data carry themselves: class folders, IDX, CIFAR."""
FILE = "file"
"""The column of a record's own file, relative to what was read."""


class BadFile(NamedTuple):
    """A file that was left out, and why, in a few words."""

    file: str
    reason: str


@dataclass(frozen=True)
class Records:
    """A table read, one row a record, and one-line notes on what was guessed or left out.

    Images and sounds are a column of the table (``image``, ``audio``), beside ``file``, and ``label`` and ``part``
    where the data say them. So labels, columns to keep and row numbers mean the same in every domain.
    """

    table: pa.Table
    notes: tuple[str, ...] = ()
    target: str | None = None
    """The column of labels that the data carry themselves."""
    bad: tuple[BadFile, ...] = ()
    parts: tuple[str, ...] = ()
    """Names of the official parts, which stand in the column ``part``; none for a table, whose columns are its own."""

    @property
    def training(self) -> pa.Table:
        """The rows of the official training part, or all rows where the data have no parts."""
        return self.table if (train := self._part("train")) is None else train

    @property
    def test(self) -> pa.Table | None:
        """The rows of the official test part, if there is one."""
        return self._part("test")

    def _part(self, name: str) -> pa.Table | None:
        if name not in self.parts:
            return None
        return self.table.filter(pc.equal(self.table.column(SPLIT), name))


@dataclass(frozen=True)
class RecordChunks:
    """The same, portion by portion, for data that are not to be held at once; they may be gone through repeatedly.

    Parameters
    ----------
    schema
        Names and types of the columns, the same in every portion.
    rows
        How many rows there are in all.
    between
        The portions of the rows from one number up to another, in order.
    notes, bad
        As of `Records`.
    empty
        Columns without any value: their type says nothing.
    starts
        The first rows of the files that the data consist of, in order.
    """

    schema: pa.Schema
    rows: int
    between: Callable[[int, int], Iterator[pa.Table]] = field(repr=False)
    notes: tuple[str, ...] = ()
    empty: frozenset[str] = frozenset()
    bad: tuple[BadFile, ...] = ()
    starts: tuple[int, ...] = (0,)
    whole: pa.Table | None = None
    """All rows, where they are held already."""

    def __iter__(self) -> Iterator[pa.Table]:
        return self.between(0, self.rows)

    @property
    def columns(self) -> pa.Table:
        """The columns, without rows."""
        return pa.Table.from_batches([], self.schema)  # Arrow makes no empty table of tensors otherwise

    @classmethod
    def of(cls, reading: Records) -> "RecordChunks":
        """Records that are held already, or decoded when they are asked for, as one portion."""
        table = reading.table

        def between(start: int, stop: int) -> Iterator[pa.Table]:
            yield table.slice(start, stop - start)

        return cls(table.schema, table.num_rows, between, reading.notes, bad=reading.bad, whole=table)


def is_text(kind: pa.DataType) -> bool:
    """Whether a column of such a type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
