"""Decoded files as the rows of a table, with their names, labels and parts."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from contramix.domains.files.decoding import Decoded
from contramix.domains.reading import FILE, LABEL, PART
from contramix.domains.spec import LeftOut
from contramix.errors import InputError, nearest


def records(
    column: str,
    decoded: Decoded,
    names: Sequence[str],
    *,
    labels: Sequence[Any] | pa.Array | None = None,
    parts: Sequence[str | None] | None = None,
    extra: Mapping[str, Sequence[Any] | pa.Array] | None = None,
) -> pa.Table:
    """A table of the files that were decoded.

    Parameters
    ----------
    column : str
        The name of the content column, ``image`` or ``audio``.
    decoded : Decoded
        What was decoded, and of which files.
    names, labels, parts, extra
        One entry a file, the broken ones included; those are left out here. Labels are text or whole numbers.
    """
    columns: dict[str, pa.Array] = {FILE: pa.array(names, pa.large_string())}
    if labels is not None:
        columns[LABEL] = _values(labels)
    if parts is not None:
        columns[PART] = pa.array(parts, pa.large_string())
    for name, values in (extra or {}).items():
        columns[name] = _values(values)
    kept = pa.array(decoded.kept, pa.int64())
    return pa.table({column: decoded.content, **{name: values.take(kept) for name, values in columns.items()}})


def left_out(table: pa.Table, content: str, target: str | None, reason: str) -> tuple[LeftOut, ...]:
    """The columns that are neither the input, ``content``, nor the target, nor say which record a row is.

    Raises
    ------
    InputError
        The target is no column, or the input itself.
    """
    others = [name for name in table.column_names if name != content]
    if target is not None and target not in others:
        raise InputError(f"--target: there is no column of labels {target!r}; {nearest(target, others)}")
    return tuple(LeftOut(name=name, reason=reason) for name in others if name not in (FILE, PART, target))


def _values(values: Sequence[Any] | pa.Array | pa.ChunkedArray) -> pa.Array:
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    return array.cast(pa.large_string()) if pa.types.is_string(array.type) else array
