"""What a reader hands back: records as the rows of a table, whatever the domain, and what could not be read."""

from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

PART = "part"
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
class Reading:
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
        return self.table.filter(pc.equal(self.table.column(PART), name))
