"""Encode columns of dates and times as numbers."""

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Float64
from numpy import ndarray

from contramix.domains.table.columns.column import Element, InputColumn

Cycle = Literal["year", "week", "day"]
CYCLES: tuple[Cycle, ...] = ("year", "week", "day")


class DateTime(InputColumn):
    """Encode a timestamp as standardized time, and as sine and cosine of its position in the year, week and day.

    A last element flags missing values if the training rows have any.

    Parameters
    ----------
    mean, scale
        Mean and standard deviation of the training timestamps, in seconds since 1970.
    low, high
        Minimum and maximum of the standardized training timestamps.
    cycles
        Periods in which the position is encoded: ``"year"``, ``"week"`` and ``"day"``. A period is left out if all
        training timestamps have the same position in it; for dates without a time, this is the day.
    """

    kind: Literal["datetime"] = "datetime"
    mean: float
    scale: float
    low: float
    high: float
    cycles: tuple[Cycle, ...] = ()

    @property
    def elements(self) -> list[Element]:
        waves = [Element("number", -1.0, 1.0)] * (2 * len(self.cycles))
        return [
            Element("number", self.low, self.high),
            *waves,
            *([Element("flag")] if self.missing else []),
        ]

    @property
    def blend(self) -> bool:
        return True

    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first_row: int) -> None:
        if not pa.types.is_timestamp(values.type) and values.null_count < len(values):
            raise self.kind_changed_error(values, "a date")
        absent = values.is_null().to_numpy(zero_copy_only=False)
        # A column of missing values only has no type.
        microseconds = pa.timestamp("us")
        known = pa.types.is_timestamp(values.type)
        timestamps = values.cast(microseconds) if known else pa.nulls(len(values), microseconds)
        parts = [(seconds_since_epoch(timestamps) - self.mean) / self.scale]
        for cycle in self.cycles:
            angle = 2 * np.pi * cycle_phase(timestamps, cycle)
            parts += [np.sin(angle), np.cos(angle)]
        for position, part in enumerate(parts):
            out[:, position] = np.where(absent, 0.0, part)
        if self.missing:
            out[:, -1] = absent


def seconds_since_epoch(timestamps: pa.Array) -> Float64[ndarray, " n"]:
    """Convert timestamps in microseconds to seconds since 1970. A null becomes NaN."""
    return np.array(timestamps.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)) / 1e6


def cycle_phase(timestamps: pa.Array, cycle: Cycle) -> Float64[ndarray, " n"]:
    """Return the position of each timestamp in the year, week (from Monday) or day, in [0, 1); NaN for a null.

    The position in the year is a number of whole days, divided by 366.
    """
    hours = seconds_since_epoch(timestamps) / 3600
    if cycle == "day":
        return (hours % 24) / 24
    if cycle == "week":
        return (hours / 24 + 3) % 7 / 7  # 1970-01-01 was a Thursday
    return np.array(pc.day_of_year(timestamps).cast(pa.float64()).to_numpy(zero_copy_only=False) - 1) / 366
