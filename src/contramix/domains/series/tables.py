"""Convert tables in long format (one row per time step) or wide format (one row per series) to time series."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from jaxtyping import Float64, Int64
from numpy import ndarray

from contramix.domains.series.cleaning import RawSeries, clean_series, trim_padding
from contramix.domains.series.column import SERIES, store_source_columns
from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.spec import SeriesSpec
from contramix.errors import InputError, nearest, printable
from contramix.io.media.parallel_decoding import Decoded
from contramix.io.options import ReadOptions
from contramix.io.records import Records


def from_table(
    table: pa.Table, source: str, options: ReadOptions, settings: SeriesSettings, fitted_spec: SeriesSpec | None = None
) -> Records:
    """Convert a table in long or wide format to a table with one time series per row.

    Parameters
    ----------
    table
        The table. If ``settings.id`` is set, it is in long format: a row is a step, numeric columns are channels, and
        columns that are constant within each series, such as a label, are kept. Otherwise it is in wide format: a row
        is a series, numeric columns are its steps in order, and missing values at the end are padding.
    source
        Name of the table, with which messages begin.
    options
        ``target`` names a label column, which is neither a step nor a channel. ``on_bad_files`` says whether unusable
        series (without steps, or with a channel without values) are skipped or are an error.
    settings
        ``id`` names the column that identifies series, and ``time`` the column by which their steps are sorted.
    fitted_spec
        The specification of a trained model. If given, the same columns are steps or channels as in training.

    Raises
    ------
    InputError
        If a column is missing, if there are no numeric columns, or if two steps of a series have the same time.
    """
    if table.num_rows == 0:
        raise InputError(f"{source}: no rows")
    if SERIES in table.column_names:
        raise InputError(f"{source}: rename the column {SERIES!r}: the name is used for the series")
    if settings.id is None:
        return _wide(table, source, options, fitted_spec)
    return _long(table, source, options, settings, settings.id, fitted_spec)


def _wide(table: pa.Table, source: str, options: ReadOptions, fitted_spec: SeriesSpec | None) -> Records:
    target = options.target if fitted_spec is None or options.target is not None else fitted_spec.target
    names = _numeric(table, (target,)) if fitted_spec is None or not fitted_spec.columns else list(fitted_spec.columns)
    _require(table, names, source)
    if not names:
        raise InputError(f"{source}: no numeric columns, which would be the steps of series")
    values = np.stack([_numbers(table.column(name), source, name) for name in names], 1)
    trimmed = [trim_padding(row[None]) for row in values]
    found = [RawSeries(f"row {number}", row) for number, row in enumerate(trimmed, start=1)]
    content, notes = clean_series(found, source, options.on_bad_files)
    shorter = sum(one.shape[1] < len(names) for one in trimmed)
    if shorter:
        notes = (f"{shorter:,} series lack values at the last steps, which are removed as padding", *notes)
    if fitted_spec is None:
        notes = (f"each row is a series of {len(names):,} steps, the columns {_list_names(names)}", *notes)
    return _to_records(table.drop_columns(names), content, names, notes)


def _long(
    table: pa.Table,
    source: str,
    options: ReadOptions,
    settings: SeriesSettings,
    by: str,
    fitted_spec: SeriesSpec | None,
) -> Records:
    keys = [by] if settings.time is None else [by, settings.time]
    _require(table, keys, source)
    for name in keys:
        if table.column(name).null_count:
            row = table.column(name).is_null().to_pylist().index(True) + 1
            raise InputError(f"{source}, row {row}: {name!r} is missing; every step needs one")
    series, first = _number_series(table.column(by))
    times = None if settings.time is None else _times(table.column(settings.time), f"{source}, column {keys[1]!r}")
    order = np.argsort(series, kind="stable") if times is None else np.lexsort((times, series))
    notes = () if times is None else _order_notes(table.column(by), series, times, order, source)
    constant = [name for name in table.column_names if name not in keys and _is_constant(table.column(name), series)]
    if options.target in table.column_names and options.target not in (by, *constant):
        raise InputError(f"{source}: `target` {options.target!r} is not the same throughout each series")
    names = (
        _numeric(table, (*keys, *constant))
        if fitted_spec is None or not fitted_spec.columns
        else list(fitted_spec.columns)
    )
    _require(table, names, source)
    if not names:
        raise InputError(f"{source}: no numeric columns that change within a series, which would be its channels")
    left = [name for name in table.column_names if name not in (*keys, *constant, *names)]
    if left:
        notes += (f"left out, as they change within a series and are not numeric: {_list_names(left)}",)
    if fitted_spec is None:
        notes = (f"each row is a step; the channels are the columns {_list_names(names)}", *notes)
    values = np.stack([_numbers(table.column(name), source, name) for name in names])[:, order]
    ends = np.flatnonzero(np.diff(series[order])) + 1
    at = [None] * len(first) if times is None else [t - t[0] for t in np.split(times[order], ends)]
    ids = table.column(by).take(pa.array(first)).to_pylist()
    found = [
        RawSeries(f"series {printable(str(name), 60)}", part, when if when is None else when.astype(np.float64))
        for name, part, when in zip(ids, np.split(values, ends, 1), at, strict=True)
    ]
    content, more = clean_series(found, source, options.on_bad_files)
    kept_columns = table.select([name for name in (by, *constant) if name not in names]).take(pa.array(first))
    return _to_records(kept_columns, content, names, (*notes, *more))


def _to_records(kept_columns: pa.Table, content: Decoded, names: Sequence[str], notes: tuple[str, ...]) -> Records:
    kept = pa.array(content.indices, pa.int64())
    columns = {name: kept_columns.column(name).take(kept) for name in kept_columns.column_names}
    return Records(
        store_source_columns(pa.table({SERIES: content.content, **columns}), names), notes, bad_files=content.bad_files
    )


def _order_notes(
    ids: pa.ChunkedArray, series: Int64[ndarray, " n"], times: ndarray, order: Int64[ndarray, " n"], source: str
) -> tuple[str, ...]:
    """Return one message if a table in long format has series whose steps are not sorted by time, else an empty tuple.

    Parameters
    ----------
    ids, series
        Identifier and number of the series that each row belongs to.
    times
        Time of each row.
    order
        Permutation that sorts the rows by series and time.
    source
        Name of the table, with which error messages begin.

    Raises
    ------
    InputError
        If two steps of a series have the same time.
    """
    twice = np.flatnonzero((np.diff(series[order]) == 0) & (np.diff(times[order]) == 0))
    if len(twice):
        row, again = sorted((int(order[twice[0]]), int(order[twice[0] + 1])))
        what = printable(str(ids[row].as_py()), 60)
        raise InputError(
            f"{source}: rows {row + 1} and {again + 1} are the same step of series {what!r}: leave one out"
        )
    as_found = np.argsort(series, kind="stable")
    back = (np.diff(times[as_found]) < 0) & (np.diff(series[as_found]) == 0)
    moved = len(np.unique(series[as_found][1:][back]))
    return (f"the steps of {moved:,} series are not in order of time; they are sorted",) if moved else ()


def _number_series(ids: pa.ChunkedArray) -> tuple[Int64[ndarray, " n"], Int64[ndarray, " k"]]:
    """Assign a number to each series of a table in long format: 0, 1, ..., in order of the first row of each series.

    ``ids`` holds the identifier of the series that each row belongs to. Return two arrays: the series number of each
    row, and the index of the first row of each series.
    """
    series = _codes(ids)
    return series, np.unique(series, return_index=True)[1]


def _codes(column: pa.ChunkedArray) -> Int64[ndarray, " n"]:
    """Replace each distinct value by an integer, from 0 in order of first appearance. Null counts as a value."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)


def _is_constant(column: pa.ChunkedArray, series: Int64[ndarray, " n"]) -> bool:
    codes = _codes(column)
    first = np.unique(series, return_index=True)[1]
    return bool(np.array_equal(codes, codes[first][series]))


def _times(column: pa.ChunkedArray, where: str) -> Int64[ndarray, " n"] | Float64[ndarray, " n"]:
    """Convert a column of numbers or timestamps to an array of times, by which steps are sorted.

    Integers and timestamps stay integers, so that they are compared without rounding. ``where`` names the column at
    the beginning of error messages.

    Raises
    ------
    InputError
        If the column does not hold numbers or timestamps, or a time is infinite or NaN.
    """
    if pt.is_timestamp(column.type):
        column = column.cast(pa.int64())
    if not _is_number(column.type):
        raise InputError(f"{where}: times must be numbers or dates, not text; `series.time` names another column")
    times: ndarray = column.to_numpy()
    if not np.isfinite(times).all():
        raise InputError(f"{where}, row {int((~np.isfinite(times)).argmax()) + 1}: the time is infinite")
    return times


def _numbers(column: pa.ChunkedArray, source: str, name: str) -> Float64[ndarray, " n"]:
    if not _is_number(column.type):
        raise InputError(f"{source}: column {printable(name, 60)!r} is not numeric, as it was in training")
    numbers: ndarray = pc.fill_null(column.cast(pa.float64(), safe=False), np.nan).to_numpy()
    return numbers


def _numeric(table: pa.Table, but: Sequence[str | None]) -> list[str]:
    return [field.name for field in table.schema if _is_number(field.type) and field.name not in but]


def _is_number(kind: pa.DataType) -> bool:
    return bool(pt.is_floating(kind) or pt.is_integer(kind))


def _require(table: pa.Table, names: Sequence[str], source: str) -> None:
    for name in names:
        if name not in table.column_names:
            hint = nearest(name, map(printable, table.column_names))
            raise InputError(f"{source}: there is no column {printable(name, 60)!r}; {hint}")


def _list_names(names: Sequence[str]) -> str:
    shown = [printable(name, 60) for name in names]
    return ", ".join(shown if len(shown) <= 8 else [*shown[:4], "...", shown[-1]])
