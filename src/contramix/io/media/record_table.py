"""Build the Arrow table of the records of a media data set: decoded files with their names, labels and splits."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from contramix.io.media.parallel_decoding import Decoded
from contramix.io.records import FILE, LABEL, SPLIT


def build_record_table(
    column: str,
    decoded: Decoded,
    names: Sequence[str],
    *,
    labels: Sequence[Any] | pa.Array | None = None,
    splits: Sequence[str | None] | None = None,
    extra: Mapping[str, Sequence[Any] | pa.Array] | None = None,
) -> pa.Table:
    """Build an Arrow table with one row per decoded image or audio file, and its name, label and split.

    Parameters
    ----------
    column : str
        Name of the column of decoded files, such as ``image`` or ``audio``.
    decoded : Decoded
        The decoded files. Files that could not be decoded get no row.
    names : sequence of str
        Name of each file, including the files that could not be decoded.
    labels : sequence of str or int, optional
        Label of each file, including the files that could not be decoded.
    splits : sequence of str, optional
        Official split of each file, including the files that could not be decoded.
    extra : dict, optional
        Further columns by name, with one value per file, including the files that could not be decoded.

    Returns
    -------
    pa.Table
        The table, with the column of decoded files, the columns ``file`` (names), ``label`` and ``part`` (splits), if
        labels and splits are given, and the extra columns.
    """
    columns: dict[str, pa.Array] = {FILE: pa.array(names, pa.large_string())}
    if labels is not None:
        columns[LABEL] = _values(labels)
    if splits is not None:
        columns[SPLIT] = pa.array(splits, pa.large_string())
    for name, values in (extra or {}).items():
        columns[name] = _values(values)
    kept = pa.array(decoded.indices, pa.int64())
    return pa.table({column: decoded.content, **{name: values.take(kept) for name, values in columns.items()}})


def _values(values: Sequence[Any] | pa.Array | pa.ChunkedArray) -> pa.Array:
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    return array.cast(pa.large_string()) if pa.types.is_string(array.type) else array
