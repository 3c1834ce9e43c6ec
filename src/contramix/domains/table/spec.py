"""Learn how to encode the columns of a table, and convert rows to float32 vectors."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from contramix.domains.spec import Spec
from contramix.domains.table.columns.column import one_chunk
from contramix.domains.table.columns.kinds import AnyColumn, Boolean, Categorical, Element, Embedding
from contramix.domains.table.learning import OneHotFinder, TableLearner, concatenate
from contramix.domains.table.settings import TableSettings
from contramix.encoders.encoder import Inputs
from contramix.errors import InputError
from contramix.mixing.layout import Layout

ROWS_AT_ONCE = 2**16
"""Number of rows that are encoded at once. With this many, intermediate results fit into the processor's cache."""


class Unit(NamedTuple):
    """Collect elements of a row's vector that are mixed jointly, and the columns that they encode.

    ``columns`` holds a single column, or the columns of a one-hot group of booleans.
    """

    columns: list[AnyColumn]
    elements: list[Element]


class TableSpec(Spec):
    """Convert rows of a table to float32 vectors, with column types and statistics learned from the training rows.

    Parameters
    ----------
    columns
        The input columns: numbers, vectors, dates, booleans, one-hot encoded categories, then categories stored as
        codes.
    mixing
        ``"typed"``: when rows are mixed, numbers are averaged, and categories and one-hot groups copied from one row.
        ``"raw"``: every element except integer codes is averaged.
    infinite
        ``"error"``: infinite values raise an error. ``"missing"``: they count as missing.

    Examples
    --------
    >>> import pyarrow as pa
    >>> table = pa.table({"a": [1.0, 2.0, 4.0], "b": pa.array(["x", "y", "x"], pa.large_string())})
    >>> spec, notes = TableSpec.learn(table, TableSettings())
    >>> spec == TableSpec.model_validate_json(spec.model_dump_json())
    True
    >>> spec.tensorize(table).shape
    torch.Size([3, 3])
    """

    domain: Literal["table"] = "table"
    format_version: Literal[1] = 1
    columns: tuple[AnyColumn, ...] = Field(min_length=1)
    mixing: Literal["typed", "raw"] = "typed"
    infinite: Literal["error", "missing"] = "error"

    @classmethod
    def learn(
        cls,
        table: pa.Table,
        settings: TableSettings,
        target: str | None = None,
        extra_rows: pa.Table | None = None,
    ) -> tuple["TableSpec", tuple[str, ...]]:
        """Learn types and statistics of the columns from training rows, and from extra rows if there are any.

        Returns
        -------
        spec, notes
            The specification, and one-line messages for the user, such as which columns are left out.

        Raises
        ------
        InputError
            If there are no rows, if no column can be used, or if a column that ``target`` or ``settings`` name does not
            exist.
        """
        rows = table if extra_rows is None else concatenate(table, extra_rows, target)
        learner = TableLearner(rows.schema, settings, target)
        learner.update(rows)
        spec, notes = cls.from_learner(learner)
        finder = OneHotFinder(spec.columns)
        finder.update([np.asarray(rows.column(name).cast(pa.int8())) for name in finder.names])
        return spec.model_copy(update={"columns": finder.finish()}), notes

    @classmethod
    def from_learner(cls, learner: TableLearner) -> tuple["TableSpec", tuple[str, ...]]:
        """Build a specification from a learner that has seen all rows, and return it with messages for the user.

        No column belongs to a one-hot group yet; :class:`OneHotFinder` finds these groups afterwards.

        Raises
        ------
        InputError
            If there were no rows, or no column can be used.
        """
        columns, left_out, notes = learner.finish()
        spec = cls(
            columns=columns,
            left_out=left_out,
            target=learner.target,
            rows=learner.rows,
            mixing=learner.settings.mixing,
            infinite=learner.settings.infinite,
        )
        return spec, notes

    @property
    def known_names(self) -> set[str]:
        """Return the names of all columns of the training table, including those that are not inputs."""
        target = set() if self.target is None else {self.target}
        return {c.name for c in self.columns} | {c.name for c in self.left_out} | target

    @property
    def kinds(self) -> dict[str, list[str]]:
        """Return the names of the input columns by kind, such as ``{"numeric": ["age"], "boolean": ["smoker"]}``."""
        found: dict[str, list[str]] = {}
        for column in self.columns:
            found.setdefault(column.kind, []).append(column.name)
        return found

    @property
    def input_columns(self) -> list[str]:
        """Return the names of the input columns, with those that are combined into vectors."""
        names: list[str] = []
        for column in self.columns:
            names += (isinstance(column, Embedding) and column.source_columns) or (column.name,)
        return names

    @property
    def summary(self) -> str:
        """Return the number of input columns as text, such as ``"12 columns"``."""
        return f"{len(self.columns)} columns"

    def input_notes(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """Return a message that lists the columns that the training table lacked, except those named in ``known``.

        The result has one item, or is empty if there are no such columns.
        """
        expected = {*self.known_names, *known}
        extra = [n for n in table.column_names if n not in expected]
        more = " ..." if extra[10:] else ""
        return (f"columns that the model does not know are left out: {', '.join(extra[:10])}{more}",) if extra else ()

    def tensorize(self, table: pa.Table, first_row: int = 0) -> Float[Tensor, " n D"]:
        """Convert n rows to float32 vectors of D elements. Columns are found by name, in any order.

        ``first_row`` is the number of earlier rows in the file, which error messages add to row numbers.

        Raises
        ------
        InputError
            If an input column is missing or has another type than in training, or if a value is invalid.
        """
        names = set(table.column_names)
        absent = [c.name for c in self.columns if c.name not in names]
        if absent:
            raise InputError(
                f"missing column{'s' if len(absent) > 1 else ''} {', '.join(map(repr, absent[:10]))}"
                f"{' ...' if len(absent) > 10 else ''}: the model was trained with "
                f"{'them' if len(absent) > 1 else 'it'} (the data have: {', '.join(table.column_names[:20])})"
            )
        out = np.zeros((table.num_rows, len(self.elements)), np.float32)
        for start in range(0, len(out), ROWS_AT_ONCE):
            rows, encoded, offset = table.slice(start, ROWS_AT_ONCE), out[start : start + ROWS_AT_ONCE], 0
            for column in self.columns:
                width = len(column.elements)
                values = one_chunk(rows.column(column.name))
                column.encode(values, encoded[:, offset : offset + width], self.infinite, first_row + start)
                offset += width
        return torch.from_numpy(out)

    @property
    def elements(self) -> list[Element]:
        """Return a description of each element of a row's vector, in order."""
        return [element for column in self.columns for element in column.elements]

    @property
    def units(self) -> list[Unit]:
        """Return the groups of elements that are mixed jointly.

        There is one for each one-hot group, each number of a vector, the flag of missing vectors, and each other
        column.
        """
        units: list[Unit] = []
        last: int | None = None
        for column in self.columns:
            if isinstance(column, Embedding):
                units += [Unit([column], [element]) for element in column.elements]
                last = None
                continue
            group = column.group if isinstance(column, Boolean) else None
            if group is not None and group == last:
                units[-1].columns.append(column)
                units[-1].elements.extend(column.elements)
            else:
                units.append(Unit([column], list(column.elements)))
            last = group
        return units

    def layout(self) -> Layout:
        """Return the layout, which says which elements of a row's vector may be averaged when rows are mixed.

        With ``mixing = "raw"``, all elements except integer codes may be averaged, including missing-value flags, as in
        the experiments of the i-Mix paper.
        """
        roles = [e.role for e in self.elements]
        raw = self.mixing == "raw"
        unit: list[int] = []
        blend: list[bool] = []
        missing_at: list[int] = []
        start, last = 0, None
        for columns, elements in self.units:
            first = len(unit)
            if columns[0] is not last:  # a vector has several units
                start, last = first, columns[0]
            if raw:
                unit += range(first, first + len(elements))
                blend += [e.role != "code" for e in elements]
                missing_at += [-1] * len(elements)
            else:
                unit += [len(blend)] * len(elements)
                blend.append(columns[0].blend)
                missing_at.append(start + columns[0].missing_at if columns[0].missing_at >= 0 else -1)
        return Layout(
            unit=torch.tensor(unit),
            blend=torch.tensor(blend),
            missing_at=torch.tensor(missing_at),
            numeric=torch.tensor([role == "number" for role in roles]),
            flag=torch.tensor([role == "flag" for role in roles]),
            code=torch.tensor([role == "code" for role in roles]),
            low=torch.tensor([e.low for e in self.elements]),
            high=torch.tensor([e.high for e in self.elements]),
        )

    def inputs(self) -> Inputs:
        """Return the properties of rows that an encoder is built for.

        These are the length of a row's vector, the widths of its column groups, and the positions of integer codes.
        Numbers, vectors and dates form one column group, and booleans outside one-hot groups another. Each column of
        categories and each one-hot group of booleans forms a separate group.
        """
        groups: list[int] = []
        codes: list[tuple[int, int]] = []
        offset, previous = 0, ""
        for columns, elements in self.units:
            column = columns[0]
            separate = isinstance(column, Categorical) or len(columns) > 1
            family = "" if separate else "boolean" if isinstance(column, Boolean) else "number"
            if family and family == previous:
                groups[-1] += len(elements)
            else:
                groups.append(len(elements))
            previous = family
            if isinstance(column, Categorical) and column.store == "code":
                codes.append((offset, column.code_count))
            offset += len(elements)
        return Inputs((offset,), tuple(groups), tuple(codes))
