"""Check and annotate the column of an Arrow table that holds the input of a domain, such as ``image``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from contramix.domains.spec import LeftOut
from contramix.errors import InputError, nearest
from contramix.io.records import FILE, SPLIT


@dataclass(frozen=True)
class ContentColumn:
    """Specify the name and type of the Arrow column that holds a domain's records, such as the column ``image``.

    Parameters
    ----------
    name
        The column's name.
    records
        Plural noun that messages use for the column's values, such as ``"images"``.
    accepts
        Function that takes an Arrow type and returns whether a column of this type can be the input.
    advice
        End of error messages: an instruction on how to provide the column, such as ``"read text files"``.
    nullable
        Whether the column may hold nulls.
    """

    name: str
    records: str
    accepts: Callable[[pa.DataType], bool]
    advice: str
    nullable: bool = False

    def select(self, table: pa.Table) -> pa.ChunkedArray:
        """Return the column of the input from a table, after checking its type and its nulls.

        Raises
        ------
        InputError
            If the table has no column of this name, if the column has an unsuitable type, or if it holds nulls
            although ``nullable`` is False.
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
        """Return a copy of the table in which ``metadata`` replaces the metadata of the input column's Arrow field."""
        index, column = table.column_names.index(self.name), table.column(self.name)
        return table.set_column(index, pa.field(self.name, column.type, metadata=dict(metadata)), column)

    def metadata(self, table: pa.Table) -> dict[str, str]:
        """Return the metadata of the input column's Arrow field as strings; an empty dictionary if it has none."""
        attached = table.schema.field(self.name).metadata or {}
        return {name.decode(): value.decode() for name, value in attached.items()}

    def left_out(self, table: pa.Table, target: str | None) -> tuple[LeftOut, ...]:
        """List the columns of a table that a model does not use, each with the reason why it is left out.

        The list excludes the input column, the column of labels (named by ``target``; None if there is none), and the
        columns ``file`` and ``part`` (official split).

        Raises
        ------
        InputError
            If ``target`` is not a column of the table, or is the input column.
        """
        others = [name for name in table.column_names if name != self.name]
        if target is not None and target not in others:
            raise InputError(f"`target`: there is no column of labels {target!r}; {nearest(target, others)}")
        reason = f"is not the column of {self.records}"
        return tuple(LeftOut(name=name, reason=reason) for name in others if name not in (FILE, SPLIT, target))
