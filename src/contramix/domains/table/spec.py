"""What was learned of a table: its columns, in canonical order, as JSON. It is half of a saved model."""

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
from contramix.domains.table.columns.kinds import AnyColumn, Boolean, Categorical, Element
from contramix.encoders.encoder import Inputs
from contramix.errors import InputError
from contramix.mixing.layout import Layout

AT_ONCE = 2**16
"""Rows that are encoded at once: what is worked out on the way to float32 stays in the processor's cache."""


class Unit(NamedTuple):
    """Elements that move together: a column, or a group of one-hot booleans."""

    columns: list[AnyColumn]
    elements: list[Element]


class TableSpec(Spec):
    """The columns of a table and what was learned of each, from the training rows only.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from contramix.domains.table.learning import describe
    >>> table = pa.table({"a": [1.0, 2.0, 4.0], "b": pa.array(["x", "y", "x"], pa.large_string())})
    >>> spec, notes = describe(table)
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

    @property
    def known_names(self) -> set[str]:
        """Columns that the training table had, inputs or not."""
        target = set() if self.target is None else {self.target}
        return {c.name for c in self.columns} | {c.name for c in self.left_out} | target

    @property
    def kinds(self) -> dict[str, list[str]]:
        """Names of the columns that are inputs, by kind."""
        found: dict[str, list[str]] = {}
        for column in self.columns:
            found.setdefault(column.kind, []).append(column.name)
        return found

    @property
    def form(self) -> str:
        """How many columns."""
        return f"{len(self.columns)} columns"

    def unknown(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """A note on columns that the training table did not have, and that are not known otherwise."""
        expected = {*self.known_names, *known}
        extra = [n for n in table.column_names if n not in expected]
        more = " ..." if extra[10:] else ""
        return (f"columns the model does not know are left out: {', '.join(extra[:10])}{more}",) if extra else ()

    def tensorize(self, table: pa.Table, first: int = 0) -> Float[Tensor, " n D"]:
        """Rows to vectors; columns are found by name, in whatever order they stand.

        Parameters
        ----------
        table
            The rows.
        first
            How many rows went before, for messages.

        Raises
        ------
        InputError
            If a column is missing or is of another kind than it was.
        """
        there = set(table.column_names)
        absent = [c.name for c in self.columns if c.name not in there]
        if absent:
            raise InputError(
                f"missing column{'s' if len(absent) > 1 else ''} {', '.join(map(repr, absent[:10]))}"
                f"{' ...' if len(absent) > 10 else ''}: the model was trained with "
                f"{'them' if len(absent) > 1 else 'it'} (there are: {', '.join(table.column_names[:20])})"
            )
        out = np.zeros((table.num_rows, len(self.elements)), np.float32)
        for start in range(0, len(out), AT_ONCE):
            rows, part, at = table.slice(start, AT_ONCE), out[start : start + AT_ONCE], 0
            for column in self.columns:
                width = len(column.elements)
                values = one_chunk(rows.column(column.name))
                column.encode(values, part[:, at : at + width], self.infinite, first + start)
                at += width
        return torch.from_numpy(out)

    def tensorize_part(self, table: pa.Table, first: int) -> Float[Tensor, " n D"]:
        """The same, with rows counted from ``first`` in messages."""
        return self.tensorize(table, first)

    @property
    def elements(self) -> list[Element]:
        """All elements of a row."""
        return [element for column in self.columns for element in column.elements]

    @property
    def units(self) -> list[Unit]:
        """Columns, with the booleans of one group taken together."""
        units: list[Unit] = []
        last: int | None = None
        for column in self.columns:
            group = column.group if isinstance(column, Boolean) else None
            if group is not None and group == last:
                units[-1].columns.append(column)
                units[-1].elements.extend(column.elements)
            else:
                units.append(Unit([column], list(column.elements)))
            last = group
        return units

    def layout(self) -> Layout:
        """How rows may be mixed. ``mixing = "raw"`` averages all but codes, flags included, as published."""
        roles = [e.role for e in self.elements]
        raw = self.mixing == "raw"
        unit: list[int] = []
        blend: list[bool] = []
        missing_at: list[int] = []
        for columns, elements in self.units:
            first = len(unit)
            if raw:
                unit += range(first, first + len(elements))
                blend += [e.role != "code" for e in elements]
                missing_at += [-1] * len(elements)
            else:
                unit += [len(blend)] * len(elements)
                blend.append(columns[0].blend)
                missing_at.append(first + columns[0].missing_at if columns[0].missing_at >= 0 else -1)
        return Layout(
            unit=torch.tensor(unit),
            blend=torch.tensor(blend),
            missing_at=torch.tensor(missing_at),
            numeric=torch.tensor([role == "quantity" for role in roles]),
            flag=torch.tensor([role == "flag" for role in roles]),
            code=torch.tensor([role == "code" for role in roles]),
            low=torch.tensor([e.low for e in self.elements]),
            high=torch.tensor([e.high for e in self.elements]),
        )

    def inputs(self) -> Inputs:
        """What an encoder must know: one column group of all that is a quantity, one of the single booleans, one
        for each level or one-hot group."""
        groups: list[int] = []
        codes: list[tuple[int, int]] = []
        at, previous = 0, ""
        for columns, elements in self.units:
            column = columns[0]
            alone = isinstance(column, Categorical) or len(columns) > 1
            family = "" if alone else "boolean" if isinstance(column, Boolean) else "quantity"
            if family and family == previous:
                groups[-1] += len(elements)
            else:
                groups.append(len(elements))
            previous = family
            if isinstance(column, Categorical) and column.store == "code":
                codes.append((at, column.codes))
            at += len(elements)
        return Inputs((at,), tuple(groups), tuple(codes))
