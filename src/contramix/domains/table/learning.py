"""Learn what a table's columns are, from the training rows only."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy import ndarray

from contramix.domains.spec import LeftOut
from contramix.domains.table.columns.boolean import Boolean, OneHot
from contramix.domains.table.columns.categorical import Categorical, level_names
from contramix.domains.table.columns.column import one_chunk
from contramix.domains.table.columns.kinds import AnyColumn
from contramix.domains.table.columns.summaries import Booleans, Dates, Numbers, Seen, Texts
from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.errors import InputError, nearest

FEW_NOTES = 4


def describe(
    table: pa.Table, settings: TableSettings | None = None, target: str | None = None
) -> tuple[TableSpec, tuple[str, ...]]:
    """Learn the columns of a table.

    Parameters
    ----------
    table
        The training rows, as :func:`contramix.io.tables.reading.read` gives them.
    settings
        How columns are read.
    target
        A column that is not an input.

    Returns
    -------
    spec, notes
        What was learned, and a line for each thing the user should know.

    Raises
    ------
    InputError
        If there is no row, no usable column, or a named column does not exist.
    """
    description = Description(table.schema, settings or TableSettings(), target)
    description.see(table)
    spec, notes = description.spec()
    groups = Groups(spec)
    groups.see([np.asarray(table.column(name).cast(pa.int8())) for name in groups.names])
    return groups.spec(), notes


class Description:
    """What is learned of a table that comes by portions; all but which booleans are one-hot groups (:class:`Groups`).

    Parameters
    ----------
    schema
        Names and types of the columns, the same in all portions.
    settings, target
        As of :func:`describe`.
    """

    def __init__(self, schema: pa.Schema, settings: TableSettings, target: str | None = None) -> None:
        for role, wanted in (
            ("--target", () if target is None else (target,)),
            ("table.drop", settings.drop),
            ("table.categorical", settings.categorical),
        ):
            for name in wanted:
                if name not in schema.names:
                    raise InputError(f"{role}: there is no column {name!r}; {nearest(name, schema.names)}")
        self._settings, self._target, self._rows = settings, target, 0
        left = {target, *settings.drop}
        self._seen = [_seen(column.name, column.type, settings) for column in schema if column.name not in left]

    def see(self, table: pa.Table, sample: ndarray | None = None) -> None:
        """Take note of some rows.

        Parameters
        ----------
        table
            The rows that come next.
        sample
            Which of them are of the sample that quantiles are taken of; None: all.

        Raises
        ------
        InputError
            If a number is infinite where that is an error.
        """
        for seen in self._seen:
            values = one_chunk(table.column(seen.name))
            seen.see(level_names(values) if isinstance(seen, Texts) else values, self._rows, sample)
        self._rows += table.num_rows

    def spec(self) -> tuple[TableSpec, tuple[str, ...]]:
        """What was learned, and notes on what is left out.

        Raises
        ------
        InputError
            If there is no row, or no usable column.
        """
        if self._rows < 1:
            raise InputError("the table has no rows")
        found = [seen.found() for seen in self._seen]
        columns = [column for column in found if not isinstance(column, LeftOut)]
        left_out = [column for column in found if isinstance(column, LeftOut)]
        asked = [LeftOut(name=n, reason="left out on request") for n in self._settings.drop]
        if not columns:
            why = "; ".join(f"{c.name!r} is {c.reason}" for c in [*asked, *left_out][:5])
            raise InputError(f"no column is left to learn from ({why})")
        spec = TableSpec(
            columns=tuple(_ordered(columns)),
            left_out=(*asked, *left_out),
            target=self._target,
            rows=self._rows,
            mixing=self._settings.mixing,
            infinite=self._settings.infinite,
        )
        return spec, tuple(_notes(left_out))


class Groups:
    """Finds the booleans that are one-hot groups, once it is known which columns are booleans.

    Parameters
    ----------
    spec
        What else was learned.
    """

    def __init__(self, spec: TableSpec) -> None:
        self._spec = spec
        places = [n for n, c in enumerate(spec.columns) if isinstance(c, Boolean) and not c.missing]
        self.names = [spec.columns[n].name for n in places]
        widths = [len(column.elements) for column in spec.columns]
        self.elements = [sum(widths[:n]) for n in places]
        """Where they stand in a row's vector."""
        self._found = OneHot(places)

    def see(self, held: Sequence[ndarray]) -> None:
        """Take note of some rows: their values, 0 or 1, of each column of ``names``."""
        self._found.see(held)

    def spec(self) -> TableSpec:
        """The specification, with the groups numbered."""
        columns = list(self._spec.columns)
        for number, run in enumerate(self._found.runs()):
            for n in run:
                columns[n] = columns[n].model_copy(update={"group": number})
        return self._spec.model_copy(update={"columns": tuple(columns)})


def _seen(name: str, kind: pa.DataType, settings: TableSettings) -> Seen:
    if pa.types.is_large_string(kind):
        return Texts(name, settings)
    if pa.types.is_timestamp(kind):
        if name in settings.categorical:
            raise InputError(f"table.categorical: column {name!r} holds dates; only numbers can be called levels")
        return Dates(name, settings)
    if name in settings.categorical:
        return Texts(name, settings, numbers=True)
    return Booleans(name, settings) if pa.types.is_boolean(kind) else Numbers(name, settings)


def _notes(left_out: Sequence[LeftOut]) -> list[str]:
    """A line a column that is left out; one for all where many are for the same reason."""
    alike: dict[str, list[LeftOut]] = {}
    for column in left_out:
        alike.setdefault(column.reason.partition(" (")[0], []).append(column)
    notes = []
    for reason, columns in alike.items():
        if len(columns) > FEW_NOTES:
            named = ", ".join(repr(c.name) for c in columns[:8])
            notes.append(f"{len(columns)} columns are left out: {reason}: {named}{', ...' if columns[8:] else ''}")
        else:
            notes += [f"column {c.name!r} is left out: {c.reason}" for c in columns]
    return notes


def _ordered(columns: list[AnyColumn]) -> list[AnyColumn]:
    """Quantities, dates, booleans, one-hot columns, codes; each in the table's order."""

    def rank(column: AnyColumn) -> int:
        if isinstance(column, Categorical):
            return 4 if column.store == "code" else 3
        return {"numeric": 0, "datetime": 1, "boolean": 2}[column.kind]

    return sorted(columns, key=rank)
