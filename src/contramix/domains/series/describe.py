"""Learn a specification from series: the length, and mean and deviation of the channels."""

import numpy as np
import pyarrow as pa
from jaxtyping import Float64
from numpy import ndarray

from contramix.domains.series.column import SERIES, Steps, columns_noted, steps_of
from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.spec import SeriesSpec
from contramix.domains.spec import left_out
from contramix.errors import InputError

FLAT = 1e-7
"""A channel whose deviation is less than this share of its mean is constant but for rounding to float32."""


def describe(
    table: pa.Table, settings: SeriesSettings, target: str | None = None, also: pa.Table | None = None
) -> tuple[SeriesSpec, tuple[str, ...]]:
    """Learn from training series; means and deviations also from those of ``also``, if given; with notes.

    Raises
    ------
    InputError
        There are no series, or no column ``target``.
    """
    series = steps_of(table)
    if len(series.lengths) == 0:
        raise InputError(f"the column {SERIES!r} has no series to learn from")
    longest = int(series.lengths.max())
    steps = longest if settings.steps == "auto" else min(settings.steps, longest)
    values = [_used(one, steps) for one in (series, *(() if also is None else (steps_of(also),)))]
    if len({part.shape[1] for part in values}) > 1:
        raise InputError(f"--transductive: series of {values[1].shape[1]} channels there and {values[0].shape[1]} here")
    every = np.concatenate(values)
    mean, std = every.mean(0), every.std(0)
    flat = std <= FLAT * np.abs(mean)
    cut = int((series.lengths > steps).sum())
    notes = []
    if cut:
        notes.append(f"{cut:,} series are longer than {steps:,} steps: their start is used; series.steps says so")
    if flat.any():
        which = [str(n + 1) for n in np.flatnonzero(flat)]
        notes.append(f"channels that never change: {', '.join(which[:10])}{', ...' if which[10:] else ''}")
    spec = SeriesSpec(
        channels=every.shape[1],
        steps=steps,
        varying=bool((series.lengths < steps).any()),
        mean=tuple(mean.tolist()),
        std=tuple(np.where(flat, 1.0, std).tolist()),
        normalise=settings.normalise,
        columns=columns_noted(table),
        target=target,
        rows=len(series.lengths),
        left_out=left_out(table, SERIES, target, "is no series"),
    )
    return spec, tuple(notes)


def _used(series: Steps, steps: int) -> Float64[ndarray, " N C"]:
    """All steps that a model sees, in double precision."""
    return np.asarray(series.values[series.number < steps], np.float64)
