"""Fill missing values of time series, leave out unusable series, and store the others in an Arrow column."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray

from contramix.domains.series.column import as_column
from contramix.errors import InputError
from contramix.io.media.parallel_decoding import Decoded
from contramix.io.records import BadFile

LARGEST = float(np.finfo(np.float32).max)
"""Maximum absolute value of a series. Larger values do not fit into float32."""


class RawSeries(NamedTuple):
    """Represent one time series as it was read, before missing values are filled.

    Parameters
    ----------
    name : str
        Name of the series in messages, such as ``"row 3"``, without control characters.
    values : ndarray
        Array of shape (channels, steps), with NaN for missing values.
    times : ndarray, optional
        Time of each step, ascending. By default steps are equally spaced.
    """

    name: str
    values: Float64[ndarray, " C T"]
    times: Float64[ndarray, " T"] | None = None


def clean_series(
    found: Sequence[RawSeries], source: str, on_bad: Literal["skip", "fail"]
) -> tuple[Decoded, tuple[str, ...]]:
    """Fill missing values by linear interpolation, and store the usable series in an Arrow array.

    A series is unusable if it has no steps, or a channel without values.

    Parameters
    ----------
    found : sequence of RawSeries
        The series as they were read, at least one.
    source : str
        Name of the file or table, with which error messages begin.
    on_bad : {"skip", "fail"}
        What to do with an unusable series: ``"skip"`` leaves it out and lists it, ``"fail"`` raises an error.

    Returns
    -------
    content, notes
        First a ``Decoded``: an Arrow array with one usable series per row (``content``), the position of each in
        ``found`` (``indices``), and the names of unusable series with reasons (``bad_files``). Second, at most one
        message, about missing values that were filled.

    Raises
    ------
    InputError
        If series differ in their number of channels, if a value is infinite or too large for float32, if no series
        is usable, or if one is unusable and ``on_bad`` is ``"fail"``.
    """
    channels = len(found[0].values)
    kept: list[int] = []
    bad: list[BadFile] = []
    series, filled = [], []
    for number, one in enumerate(found):
        if len(one.values) != channels:
            raise InputError(
                f"{source}: {one.name} has {len(one.values)} channels, {found[0].name} has {channels}: "
                "all series need the same number"
            )
        _check_range(one, source)
        missing = np.isnan(one.values)
        nothing = np.flatnonzero(missing.all(1))
        if len(nothing):  # also true for a series without steps
            bad.append(BadFile(one.name, _reason(one.values, nothing)))
            if on_bad == "fail":
                raise InputError(f"{source}: {one.name}: {bad[-1].reason}; leave such series out")
            continue
        count = int(missing.sum())
        filled += [count] if count else []
        series.append((interpolate(one.values, one.times) if count else one.values).astype(np.float32))
        kept.append(number)
    if not kept:
        raise InputError(f"{source}: none of {len(bad):,} series can be used ({bad[0].file}: {bad[0].reason})")
    notes: tuple[str, ...] = ()
    if filled:
        notes = (f"{sum(filled):,} missing values in {len(filled):,} series are filled by linear interpolation",)
    return Decoded(as_column(series, channels), kept, tuple(bad)), notes


def interpolate(values: Float64[ndarray, " C T"], times: Float64[ndarray, " T"] | None) -> Float64[ndarray, " C T"]:
    """Fill missing values (NaN) of each channel of a series (channels, steps) by linear interpolation over time.

    At both ends, the nearest value is repeated. Each channel must have at least one value. ``times`` holds the time of
    each step, ascending; None for equally spaced steps.

    Examples
    --------
    >>> nan = np.nan
    >>> interpolate(np.array([[nan, 1.0, nan, 5.0]]), np.array([0.0, 1.0, 4.0, 5.0])).tolist()
    [[1.0, 1.0, 4.0, 5.0]]
    """
    steps = np.arange(values.shape[1], dtype=np.float64) if times is None else times
    known = ~np.isnan(values)
    return np.stack([np.interp(steps, steps[present], row[present]) for row, present in zip(values, known)])


def trim_padding(values: Float[ndarray, " C T"]) -> Float[ndarray, " C t"]:
    """Remove the padding of a series (channels, steps): the steps at its end in which all channels are NaN.

    A series in which all values are NaN is returned unchanged.
    """
    present = np.flatnonzero(~np.isnan(values).all(0))
    return values[:, : present[-1] + 1] if len(present) else values


def _check_range(one: RawSeries, source: str) -> None:
    with np.errstate(invalid="ignore"):
        beyond = np.abs(one.values) > LARGEST
    if beyond.any():
        channel, step = np.argwhere(beyond)[0]
        value = one.values[channel, step]
        what = "is infinite" if np.isinf(value) else f"is {value:g}, beyond what float32 holds"
        raise InputError(f"{source}: {one.name}, channel {channel + 1}, step {step + 1}: the value {what}")


def _reason(values: ndarray, nothing: ndarray) -> str:
    if values.shape[1] == 0:
        return "has no steps"
    return "has no values" if len(nothing) == len(values) else f"channel {nothing[0] + 1} has no values"
