"""Columns of dates and times."""

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Float64
from numpy import ndarray

from contramix.domains.table.columns.column import Column, Element

Cycle = Literal["year", "week", "day"]
CYCLES: tuple[Cycle, ...] = ("year", "week", "day")


class DateTime(Column):
    """A moment: standard score of its seconds, and its place in the year, the week and the day as sine and cosine.

    Only cycles that vary among the training rows are kept.
    """

    kind: Literal["datetime"] = "datetime"
    mean: float
    scale: float
    low: float
    high: float
    cycles: tuple[Cycle, ...] = ()

    @property
    def elements(self) -> list[Element]:
        waves = [Element("quantity", -1.0, 1.0)] * (2 * len(self.cycles))
        return [
            Element("quantity", self.low, self.high),
            *waves,
            *([Element("flag")] if self.missing else []),
        ]

    @property
    def blend(self) -> bool:
        return True

    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first: int) -> None:
        if not pa.types.is_timestamp(values.type) and values.null_count < len(values):
            raise self.changed(values, "a date")
        absent = values.is_null().to_numpy(zero_copy_only=False)
        # A column with nothing in it has lost its type.
        kind = pa.timestamp("us")
        moments = values.cast(kind) if pa.types.is_timestamp(values.type) else pa.nulls(len(values), kind)
        parts = [(seconds(moments) - self.mean) / self.scale]
        for cycle in self.cycles:
            angle = 2 * np.pi * phase(moments, cycle)
            parts += [np.sin(angle), np.cos(angle)]
        for place, part in enumerate(parts):
            out[:, place] = np.where(absent, 0.0, part)
        if self.missing:
            out[:, -1] = absent


def seconds(moments: pa.Array) -> Float64[ndarray, " n"]:
    """Seconds since 1970, NaN for none."""
    return np.array(moments.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)) / 1e6


def phase(moments: pa.Array, cycle: Cycle) -> Float64[ndarray, " n"]:
    """How far a cycle has gone, in [0, 1); NaN for no value."""
    hours = seconds(moments) / 3600
    if cycle == "day":
        return (hours % 24) / 24
    if cycle == "week":
        return (hours / 24 + 3) % 7 / 7  # 1970-01-01 was a Thursday
    return np.array(pc.day_of_year(moments).cast(pa.float64()).to_numpy(zero_copy_only=False) - 1) / 366
