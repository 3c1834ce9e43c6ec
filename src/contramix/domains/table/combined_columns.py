"""Combine columns of numbers into one column of vectors."""

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from contramix.errors import InputError, nearest

ALL = ("*",)
"""Value of ``table.embedding`` that names all columns of numbers."""
_KEY = b"combined_columns"


def combine_columns(table: pa.Table, names: Sequence[str], into: str, target: str | None = None) -> pa.Table:
    """Combine columns of numbers into one column of vectors in the place of the first; its field stores their names.

    Parameters
    ----------
    table
        Rows of a table.
    names
        Names of the columns, in the order of the numbers of a vector; ``("*",)``: all columns of numbers.
    into
        Name of the new column.
    target
        Column to predict, which is not among those that ``"*"`` names; None: there is none.

    Raises
    ------
    InputError
        If there is no such column, or it does not hold numbers, or if ``into`` is the name of a column already.
    """
    kinds = {field.name: field.type for field in table.schema if field.name != target}
    numbers = [name for name, kind in kinds.items() if pa.types.is_integer(kind) or pa.types.is_floating(kind)]
    used = numbers if tuple(names) == ALL else list(names)
    for name in used:
        if name not in table.column_names:
            raise InputError(f"table.embedding: there is no column {name!r}; {nearest(name, table.column_names)}")
        if name not in numbers:
            raise InputError(f"table.embedding: column {name!r} holds no numbers, or is the target")
    if not used:
        raise InputError("table.embedding: there are no columns of numbers")
    if into in table.column_names:
        raise InputError(f"table.embedding: there is a column {into!r} already; rename it")
    z = np.stack([table.column(name).to_numpy().astype(np.float32) for name in used], 1)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(z.ravel()), len(used))
    field = pa.field(into, vectors.type, metadata={_KEY: json.dumps(used).encode()})
    place = min(table.column_names.index(name) for name in used)
    return table.drop_columns(used).add_column(place, field, vectors)


def combined_columns(field: pa.Field) -> tuple[str, ...]:
    """Return the names of the columns that :func:`combine_columns` combined into the column of a field."""
    stored = (field.metadata or {}).get(_KEY)
    return () if stored is None else tuple(json.loads(stored))
