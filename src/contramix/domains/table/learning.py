"""Learn the type and statistics of each column of a table, from one chunk of rows after another."""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa
from numpy import ndarray

from contramix.domains.spec import LeftOut
from contramix.domains.table.columns.boolean import Boolean, OneHotRuns
from contramix.domains.table.columns.categorical import Categorical, category_names
from contramix.domains.table.columns.column import one_chunk
from contramix.domains.table.columns.kinds import AnyColumn
from contramix.domains.table.columns.summaries import (
    BooleanSummary,
    ColumnSummary,
    DateSummary,
    NumberSummary,
    TextSummary,
)
from contramix.domains.table.columns.vector_summary import VectorSummary
from contramix.domains.table.combined_columns import combined_columns
from contramix.domains.table.settings import TableSettings
from contramix.errors import InputError, nearest
from contramix.io.tables.canonical import describe_type

MAX_SINGLE_NOTES = 4
"""Maximum number of columns, left out for the same reason, that are reported in one note each; more share one note."""


class LearnedColumns(NamedTuple):
    """Store the input columns, the columns left out, and one-line messages for the user about the columns left out."""

    columns: tuple[AnyColumn, ...]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


class TableLearner:
    """Learn how to encode each column of a table, from one chunk of rows after another.

    Call :meth:`update` with each chunk, then :meth:`finish`. Groups of one-hot columns are not found here, but by
    :class:`OneHotFinder` in a second pass over the rows.

    Parameters
    ----------
    schema
        Names and types of the columns, the same in all chunks.
    settings
        The section ``table`` of the recipe: how columns are read and encoded.
    target
        The column of labels or numeric targets, which is not an input; None if there is none.

    Raises
    ------
    InputError
        If a column that ``target`` or ``settings`` name does not exist.
    """

    def __init__(self, schema: pa.Schema, settings: TableSettings, target: str | None = None) -> None:
        for setting, wanted in (
            ("`target`", () if target is None else (target,)),
            ("table.drop", settings.drop),
            ("table.categorical", settings.categorical),
            ("table.keep", settings.keep),
        ):
            for name in wanted:
                if name not in schema.names:
                    raise InputError(f"{setting}: there is no column {name!r}; {nearest(name, schema.names)}")
        self.settings, self.target, self.rows = settings, target, 0
        named = {target, *settings.keep, *settings.drop}
        self._unwanted = [name for name in schema.names if settings.keep and name not in named]
        excluded = {target, *settings.drop, *self._unwanted}
        self._summaries = [_summary(field, settings) for field in schema if field.name not in excluded]

    def update(self, table: pa.Table, sample: ndarray | None = None) -> None:
        """Update the statistics of all columns with the next chunk of rows.

        Parameters
        ----------
        table
            The chunk.
        sample
            Positions in this chunk of the rows from which quantiles are computed; None for all rows.

        Raises
        ------
        InputError
            If a number is infinite and ``settings.infinite`` is ``"error"``.
        """
        for summary in self._summaries:
            values = one_chunk(table.column(summary.name))
            if isinstance(summary, TextSummary):
                values = category_names(values)
            summary.update(values, self.rows, sample)
        self.rows += table.num_rows

    def finish(self) -> LearnedColumns:
        """Return the input columns, the columns left out, and messages about the columns left out.

        Call this after the last chunk.

        Raises
        ------
        InputError
            If the chunks had no rows, or no column can be used.
        """
        if self.rows < 1:
            raise InputError("the table has no rows")
        learned = [summary.finish() for summary in self._summaries]
        columns = [column for column in learned if not isinstance(column, LeftOut)]
        unusable = [column for column in learned if isinstance(column, LeftOut)]
        left_out = (*self.settings.drop, *self._unwanted)
        dropped = [LeftOut(name=name, reason="left out on request") for name in left_out]
        if not columns:
            why = "; ".join(f"{c.name!r} is {c.reason}" for c in [*dropped, *unusable][:5])
            raise InputError(f"no column is left to learn from ({why})")
        return LearnedColumns(tuple(_ordered(columns)), (*dropped, *unusable), tuple(_notes(unusable)))


class OneHotFinder:
    """Find groups of adjacent boolean columns that are the one-hot encoding of a single category column.

    Call :meth:`update` with each chunk of rows, then :meth:`finish`. The attribute ``names`` lists the boolean columns
    without missing values, and ``elements`` lists the position of each of these columns in a row's vector.

    Parameters
    ----------
    columns
        The columns that a :class:`TableLearner` learned from the same rows.
    """

    def __init__(self, columns: Sequence[AnyColumn]) -> None:
        self._columns = columns
        booleans = [n for n, c in enumerate(columns) if isinstance(c, Boolean) and not c.missing]
        self.names = [columns[n].name for n in booleans]
        """Names of the columns that may belong to a group."""
        widths = [len(column.elements) for column in columns]
        self.elements = [sum(widths[:n]) for n in booleans]
        """Positions of these columns in a row's vector."""
        self._runs = OneHotRuns(booleans)

    def update(self, values: Sequence[ndarray]) -> None:
        """Process a chunk of rows. ``values`` holds an array of zeros and ones for each column in ``names``."""
        self._runs.update(values)

    def finish(self) -> tuple[AnyColumn, ...]:
        """Return all columns. Each boolean column of a one-hot group has the group's index in its field ``group``."""
        columns = list(self._columns)
        for number, run in enumerate(self._runs.finish()):
            for n in run:
                columns[n] = columns[n].model_copy(update={"group": number})
        return tuple(columns)


def concatenate(table: pa.Table, extra_rows: pa.Table, target: str | None) -> pa.Table:
    """Append unlabeled rows to a table.

    Parameters
    ----------
    table
        The training rows.
    extra_rows
        The rows to append. They must have all columns of ``table`` except ``target``; other columns are dropped.
    target
        The column of labels, which is null in all appended rows; None if there is none.

    Raises
    ------
    InputError
        If the extra rows lack a column, or its type is incompatible with the type in ``table``.
    """
    names = set(extra_rows.column_names)
    columns = []
    for name in table.column_names:
        first = table.column(name)
        if name == target:
            second = pa.chunked_array([pa.nulls(extra_rows.num_rows, first.type)])
        elif name not in names:
            raise InputError(f"`transductive`: there is no column {name!r} in it; {nearest(name, names)}")
        else:
            first, second = _same_type(name, first, extra_rows.column(name))
        columns.append(pa.chunked_array([*first.chunks, *second.chunks]))
    return pa.table(columns, table.column_names)


def _same_type(name: str, first: pa.ChunkedArray, second: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Cast two columns of the same name to a common type, and return both.

    Integers and floats become float64. A column of only nulls takes the type of the other column.

    Raises
    ------
    InputError
        If the types are incompatible.
    """
    if first.type == second.type:
        return first, second
    if second.null_count == len(second):
        return first, pa.chunked_array([pa.nulls(len(second), first.type)])
    if first.null_count == len(first):
        return pa.chunked_array([pa.nulls(len(first), second.type)]), second
    if all(pa.types.is_integer(c.type) or pa.types.is_floating(c.type) for c in (first, second)):
        return first.cast(pa.float64(), safe=False), second.cast(pa.float64(), safe=False)
    raise InputError(
        f"`transductive`: column {name!r} is {describe_type(second.type)} there and {describe_type(first.type)} in "
        "DATA; write both in the same form"
    )


def _summary(field: pa.Field, settings: TableSettings) -> ColumnSummary:
    name, column_type = field.name, field.type
    if pa.types.is_large_string(column_type):
        return TextSummary(name, settings)
    if pa.types.is_timestamp(column_type):
        if name in settings.categorical:
            raise InputError(f"table.categorical: column {name!r} holds dates; only numbers can be made categories")
        return DateSummary(name, settings)
    if pa.types.is_fixed_size_list(column_type):
        if name in settings.categorical:
            raise InputError(f"table.categorical: column {name!r} holds vectors; only numbers can be made categories")
        return VectorSummary(name, settings, combined_columns(field))
    if name in settings.categorical:
        return TextSummary(name, settings, numbers=True)
    return BooleanSummary(name, settings) if pa.types.is_boolean(column_type) else NumberSummary(name, settings)


def _notes(left_out: Sequence[LeftOut]) -> list[str]:
    """Return messages about the columns left out, one per column.

    If more than ``MAX_SINGLE_NOTES`` columns are left out for the same reason, one message lists them together.
    """
    by_reason: dict[str, list[LeftOut]] = {}
    for column in left_out:
        by_reason.setdefault(column.reason.partition(" (")[0], []).append(column)
    notes = []
    for reason, columns in by_reason.items():
        if len(columns) > MAX_SINGLE_NOTES:
            names = ", ".join(repr(c.name) for c in columns[:8])
            notes.append(f"{len(columns)} columns are left out: {reason}: {names}{', ...' if columns[8:] else ''}")
        else:
            notes += [f"column {c.name!r} is left out: {c.reason}" for c in columns]
    return notes


def _ordered(columns: list[AnyColumn]) -> list[AnyColumn]:
    """Sort columns by kind: numbers, vectors, dates, booleans, one-hot categories, categories stored as codes.

    Columns of the same kind keep their order.
    """

    def rank(column: AnyColumn) -> int:
        if isinstance(column, Categorical):
            return 5 if column.store == "code" else 4
        return {"numeric": 0, "embedding": 1, "datetime": 2, "boolean": 3}[column.kind]

    return sorted(columns, key=rank)
