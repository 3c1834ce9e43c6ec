"""Describe the column of a table that holds a domain's records, and check it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from contramix.domains.spec import LeftOut
from contramix.errors import InputError, nearest
from contramix.io.records import FILE, SPLIT


@dataclass(frozen=True)
class ContentColumn:
    """Describe the column that is the input of a domain, such as ``image``.

    Parameters
    ----------
    name
        The column's name.
    records
        What the column holds, for messages, in the plural.
    accepts
        Whether a column of an Arrow type holds records of the domain.
    advice
        How the user gets such a column, for messages; an imperative.
    nullable
        Whether rows may have no value.
    """

    name: str
    records: str
    accepts: Callable[[pa.DataType], bool]
    advice: str
    nullable: bool = False

    def select(self, table: pa.Table) -> pa.ChunkedArray:
        """Return the column of a table.

        Raises
        ------
        InputError
            If the table has no such column, if it is of another type, or if values are missing.
        """
        if self.name not in table.column_names:
            raise InputError(f"there is no column {self.name!r} of {self.records}: {self.advice}")
        column = table.column(self.name)
        if not self.accepts(column.type):
            raise InputError(f"the column {self.name!r} holds {column.type}, not {self.records}: {self.advice}")
        if column.null_count and not self.nullable:
            raise InputError(f"the column {self.name!r} of {self.records} has {column.null_count:,} rows without one")
        return column

    def annotate(self, table: pa.Table, metadata: Mapping[str, str]) -> pa.Table:
        """Return the table with metadata attached to the column, which replaces any there was."""
        index, column = table.column_names.index(self.name), table.column(self.name)
        return table.set_column(index, pa.field(self.name, column.type, metadata=dict(metadata)), column)

    def metadata(self, table: pa.Table) -> dict[str, str]:
        """Return the metadata attached to the column; empty if there is none."""
        attached = table.schema.field(self.name).metadata or {}
        return {name.decode(): value.decode() for name, value in attached.items()}

    def left_out(self, table: pa.Table, target: str | None) -> tuple[LeftOut, ...]:
        """List the columns that are neither the input nor the target, nor identify a record.

        Raises
        ------
        InputError
            If the target is not a column, or is the input itself.
        """
        others = [name for name in table.column_names if name != self.name]
        if target is not None and target not in others:
            raise InputError(f"`target`: there is no column of labels {target!r}; {nearest(target, others)}")
        reason = f"is not the column of {self.records}"
        return tuple(LeftOut(name=name, reason=reason) for name in others if name not in (FILE, SPLIT, target))
