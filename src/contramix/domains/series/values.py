"""Convert arrays, lists of arrays and data frames to time series."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray
from torch import Tensor

from contramix.domains.series.cleaning import RawSeries, clean_series, trim_padding
from contramix.domains.series.column import SERIES, count_channels, extract_steps
from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.spec import SeriesSpec
from contramix.domains.series.tables import from_table
from contramix.domains.splits import ORDER, ordered_splits
from contramix.errors import InputError
from contramix.io.media.array_files import LabeledArray
from contramix.io.media.record_table import build_record_table
from contramix.io.options import ReadOptions
from contramix.io.records import LABEL, SPLIT, Records
from contramix.io.tables.frames import to_arrow

_EVERY_ROW = ReadOptions(on_bad_files="fail")
_GIVE = "an array (n, channels, steps) or (n, steps), or a list of arrays (channels, steps) or (steps,)"


def recognizes_values(values: Any) -> bool:
    """Return whether Python values can only be time series, and not the records of another domain.

    Return True for a 3-D array (except uint8, which may be images), a list of 2-D arrays, a list of 1-D arrays that
    differ in length, and an Arrow table of series that a reader returned.
    """
    if isinstance(values, pa.Table):
        return SERIES in values.column_names and count_channels(values.schema.field(SERIES).type) is not None
    if isinstance(values, ndarray | Tensor):
        return values.ndim == 3 and _is_number(values)
    if not isinstance(values, list | tuple) or not values:
        return False
    if not all(isinstance(one, ndarray | Tensor) and _is_number(one) for one in values):
        return False
    axes = {one.ndim for one in values}
    return axes == {2} or (axes == {1} and len({len(one) for one in values}) > 1)


def from_values(values: Any, settings: SeriesSettings, fitted_spec: SeriesSpec | None = None) -> Records:
    """Convert Python values to a table with one time series per row.

    Parameters
    ----------
    values
        An array or tensor (n, channels, steps), or (n, steps) for one channel, in which NaN pads shorter series; a list
        of arrays (channels, steps) or (steps,) of any lengths; a data frame in long or wide format, as described in
        :func:`contramix.domains.series.tables.from_table`; or an Arrow table of series that a reader returned.
    settings
        A data frame is in long format if ``id`` is set, else in wide format.
    fitted_spec
        The specification of a trained model. If given, the same columns of a data frame are used as in training.

    Raises
    ------
    InputError
        If the values are not series, or a series has no steps or a channel without values.

    Examples
    --------
    >>> from_values([np.zeros((2, 5)), np.ones((2, 3))], SeriesSettings()).table.num_rows
    2
    """
    if isinstance(values, pa.Table) and recognizes_values(values):
        extract_steps(values)
        return Records(values)
    if isinstance(values, ndarray | Tensor):
        return arrays_to_records([LabeledArray(_array(values), {}, None, "series")], _EVERY_ROW)
    if isinstance(values, list | tuple) and any(isinstance(one, ndarray | Tensor) for one in values):
        found = [RawSeries(f"row {row}", _single(one, row)) for row, one in enumerate(values, start=1)]
        content, notes = clean_series(found, "series", "fail")
        return Records(pa.table({SERIES: content.content}), notes)
    if isinstance(values, list | tuple | str | bytes):
        raise InputError(f"give series as {_GIVE}")
    return from_table(to_arrow(values), "frame", _EVERY_ROW, settings, fitted_spec)


def arrays_to_records(parts: Sequence[LabeledArray], options: ReadOptions, notes: tuple[str, ...] = ()) -> Records:
    """Convert one array per official split to a table with one time series per row, the training split first.

    Parameters
    ----------
    parts
        One array (n, channels, steps) or (n, steps) per split, with the split's name and labels. NaN pads shorter
        series. Without official splits, there is a single array.
    options
        ``on_bad_files`` says whether unusable series (without steps, or with a channel without values) are skipped or
        are an error.
    notes
        Messages for the user from reading the arrays. The returned records repeat them before their own messages.

    Raises
    ------
    InputError
        If an array does not have the shape of series, or the number of labels differs from the number of series.
    """
    parts = sorted(parts, key=lambda part: ORDER.index(part.split or "train"))
    found: list[RawSeries] = []
    shorter = 0
    for part in parts:
        array = _series(part.content, part.source)
        for name, column in part.labels.items():
            if len(column) != len(array):
                raise InputError(f"{part.source}: {len(column):,} entries of '{name}' for {len(array):,} series")
        trimmed = [trim_padding(one) for one in array]
        shorter += sum(one.shape[1] < array.shape[2] for one in trimmed)
        found += [RawSeries(f"row {len(found) + n}", one) for n, one in enumerate(trimmed, start=1)]
    source = parts[0].source
    content, more = clean_series(found, source, options.on_bad_files)
    if shorter:
        more = (f"{shorter:,} series end in NaN, which is removed as padding", *more)
    named = [part.split for part in parts for _ in range(len(part.content))]
    official = len(parts) > 1 and parts[0].split == "train"
    labeled = all(LABEL in part.labels for part in parts)
    labels = pa.concat_arrays([pa.array(part.labels[LABEL]) for part in parts]) if labeled else None
    table = build_record_table(
        SERIES, content, [one.name for one in found], labels=labels, splits=named if official else None
    )
    splits = ordered_splits(table.column(SPLIT).to_pylist()) if official else ()
    return Records(table, (*notes, *more), LABEL if labeled else None, content.bad_files, splits)


def _array(values: Any) -> ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else values


def _is_number(values: Any) -> bool:
    kind = str(values.dtype).removeprefix("torch.")
    return kind.startswith(("float", "int", "uint")) and kind != "uint8"


def _series(array: ndarray, source: str) -> Float64[ndarray, " n C T"]:
    if array.ndim == 2:
        array = array[:, None]
    if array.ndim != 3 or 0 in array.shape[:2]:
        raise InputError(f"{source}: shape {array.shape} is not one of series: give {_GIVE}")
    return _numbers(array, source)


def _single(value: Any, row: int) -> Float64[ndarray, " C T"]:
    if not isinstance(value, ndarray | Tensor) or value.ndim not in (1, 2) or (value.ndim == 2 and not len(value)):
        raise InputError(f"row {row}: is not a series: give {_GIVE}")
    array = _array(value)
    return _numbers(array[None] if array.ndim == 1 else array, f"row {row}")


def _numbers(array: ndarray, source: str) -> ndarray:
    if array.dtype.kind not in "iufb":
        raise InputError(f"{source}: values of type {array.dtype}: give numbers")
    return array.astype(np.float64)
