"""From series as they were found to a column: gaps filled, what cannot be used set aside."""

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


class Found(NamedTuple):
    """One series as it was found.

    Parameters
    ----------
    name : str
        How messages call it; safe to print.
    values : ndarray
        A row a channel; NaN where a value is missing.
    times : ndarray, optional
        When the steps were, ascending; left out: one after the other.
    """

    name: str
    values: Float64[ndarray, " C T"]
    times: Float64[ndarray, " T"] | None = None


def gather(found: Sequence[Found], source: str, on_bad: Literal["skip", "fail"]) -> tuple[Decoded, tuple[str, ...]]:
    """Series as a column, with notes.

    Parameters
    ----------
    found : sequence of Found
        At least one.
    source : str
        What messages begin with.
    on_bad : {"skip", "fail"}
        Whether series without steps, or with a channel of which nothing is known, are left out and named, or refused.

    Raises
    ------
    InputError
        Series have differing channels, values are infinite or beyond float32, or nothing is left.
    """
    channels = len(found[0].values)
    kept: list[int] = []
    bad: list[BadFile] = []
    series, filled = [], []
    for number, one in enumerate(found):
        if len(one.values) != channels:
            raise InputError(
                f"{source}: {one.name} has {len(one.values)} channels, {found[0].name} has {channels}: "
                "all series need the same ones"
            )
        _check(one, source)
        missing = np.isnan(one.values)
        nothing = np.flatnonzero(missing.all(1))
        if len(nothing):  # without steps too: all of none
            bad.append(BadFile(one.name, _why(one.values, nothing)))
            if on_bad == "fail":
                raise InputError(f"{source}: {one.name}: {bad[-1].reason}; leave such series out")
            continue
        count = int(missing.sum())
        filled += [count] if count else []
        series.append((interpolated(one.values, one.times) if count else one.values).astype(np.float32))
        kept.append(number)
    if not kept:
        raise InputError(f"{source}: none of {len(bad):,} series can be used ({bad[0].file}: {bad[0].reason})")
    notes: tuple[str, ...] = ()
    if filled:
        notes = (f"{sum(filled):,} missing values in {len(filled):,} series are filled by linear interpolation",)
    return Decoded(as_column(series, channels), kept, tuple(bad)), notes


def interpolated(values: Float64[ndarray, " C T"], times: Float64[ndarray, " T"] | None) -> Float64[ndarray, " C T"]:
    """Gaps filled linearly in time, at the ends with the nearest value; each channel has at least one.

    Examples
    --------
    >>> nan = np.nan
    >>> interpolated(np.array([[nan, 1.0, nan, 5.0]]), np.array([0.0, 1.0, 4.0, 5.0])).tolist()
    [[1.0, 1.0, 4.0, 5.0]]
    """
    at = np.arange(values.shape[1], dtype=np.float64) if times is None else times
    known = ~np.isnan(values)
    return np.stack([np.interp(at, at[there], row[there]) for row, there in zip(values, known)])


def without_end(values: Float[ndarray, " C T"]) -> Float[ndarray, " C t"]:
    """Without the last steps at which every channel is missing: where containers are rectangular, a series ends so."""
    there = np.flatnonzero(~np.isnan(values).all(0))
    return values[:, : there[-1] + 1] if len(there) else values


def _check(one: Found, source: str) -> None:
    with np.errstate(invalid="ignore"):
        beyond = np.abs(one.values) > LARGEST
    if beyond.any():
        channel, step = np.argwhere(beyond)[0]
        value = one.values[channel, step]
        what = "is infinite" if np.isinf(value) else f"is {value:g}, beyond what float32 holds"
        raise InputError(f"{source}: {one.name}, channel {channel + 1}, step {step + 1}: the value {what}")


def _why(values: ndarray, nothing: ndarray) -> str:
    if values.shape[1] == 0:
        return "has no steps"
    return "has no values" if len(nothing) == len(values) else f"channel {nothing[0] + 1} has no values"
