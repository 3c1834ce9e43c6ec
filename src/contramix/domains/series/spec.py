"""Learn the number of channels, the length and the statistics of time series, and convert series to samples."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Float64
from numpy import ndarray
from pydantic import Field, model_validator
from torch import Tensor

from contramix.domains.series.column import CONTENT, SERIES, Steps, extract_steps, read_source_columns
from contramix.domains.series.frontend import SeriesFrontend
from contramix.domains.series.settings import MAX_STEPS, SeriesSettings
from contramix.domains.spec import Spec
from contramix.encoders.encoder import Inputs
from contramix.errors import InputError

MAX_BYTES = 16 << 30
"""Maximum size in bytes of all samples in memory, padded to the same length."""
FLAT = 1e-7
"""A channel is constant, up to rounding to float32, if its standard deviation is at most this share of its mean."""


class SeriesSpec(Spec):
    """Convert time series to tensors of equal length, with statistics learned from the training series.

    Parameters
    ----------
    channels
        Number of channels of every series.
    steps
        Number of steps of a sample. Longer series are truncated, shorter ones padded.
    varying
        Whether some training series are shorter than ``steps``.
    mean, std
        Mean and standard deviation of each channel over all steps of the training series.
    normalise
        ``"channel"``: series are normalized by ``mean`` and ``std``. ``"each"``: every series is normalized by its own
        mean and standard deviation.
    columns
        Names of the columns of the user's table that became the steps (wide format, one row per series) or the
        channels (long format, one row per step); empty if the series did not come from a table.

    Examples
    --------
    >>> spec = SeriesSpec(rows=2, channels=1, steps=24, varying=False, mean=(0.5,), std=(0.2,))
    >>> spec.inputs().kind, spec.inputs().shape
    ('steps', (1, 24))
    """

    domain: Literal["series"] = "series"
    format_version: Literal[1] = 1
    channels: int = Field(ge=1, le=2**24)
    steps: int = Field(ge=1, le=MAX_STEPS)
    varying: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalise: Literal["channel", "each"] = "channel"
    columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_statistics(self) -> "SeriesSpec":
        if not len(self.mean) == len(self.std) == self.channels or min(self.std) <= 0:
            raise ValueError("mean and std: need one number per channel, and std must be positive")
        return self

    @classmethod
    def learn(
        cls,
        table: pa.Table,
        settings: SeriesSettings,
        target: str | None = None,
        extra_rows: pa.Table | None = None,
    ) -> tuple["SeriesSpec", tuple[str, ...]]:
        """Learn the sample length, and the mean and standard deviation of each channel.

        The length is learned from the training series in ``table``; the mean and standard deviation also from the
        series in ``extra_rows``. ``target`` names the column of labels, which is not used as an input.

        Returns
        -------
        spec, notes
            The specification, and messages about truncated series and constant channels.

        Raises
        ------
        InputError
            If there are no series, if the extra rows differ in the number of channels, or if the table has no column
            ``target``.
        """
        series = extract_steps(table)
        if len(series.lengths) == 0:
            raise InputError(f"the column {SERIES!r} has no series to learn from")
        longest = int(series.lengths.max())
        steps = longest if settings.steps == "auto" else min(settings.steps, longest)
        values = [_used_steps(series, steps)]
        if extra_rows is not None:
            values.append(_used_steps(extract_steps(extra_rows), steps))
            here, there = (part.shape[1] for part in values)
            if here != there:
                raise InputError(f"`transductive`: its series have {there} channels, those of DATA have {here}")
        joined = np.concatenate(values)
        mean, std = joined.mean(0), joined.std(0)
        flat = std <= FLAT * np.abs(mean)
        too_long = int((series.lengths > steps).sum())
        notes = []
        if too_long:
            notes.append(f"{too_long:,} series are longer than {steps:,} steps and are truncated (see series.steps)")
        if flat.any():
            constant = [str(channel + 1) for channel in np.flatnonzero(flat)]
            notes.append(f"constant channels: {', '.join(constant[:10])}{', ...' if constant[10:] else ''}")
        spec = cls(
            channels=joined.shape[1],
            steps=steps,
            varying=bool((series.lengths < steps).any()),
            mean=tuple(mean.tolist()),
            std=tuple(np.where(flat, 1.0, std).tolist()),
            normalise=settings.normalise,
            columns=read_source_columns(table),
            target=target,
            rows=len(series.lengths),
            left_out=CONTENT.left_out(table, target),
        )
        return spec, tuple(notes)

    @property
    def kinds(self) -> dict[str, list[str]]:
        """Return the names of the input columns, grouped by kind: always ``{"series": ["series"]}``."""
        return {"series": [SERIES]}

    @property
    def summary(self) -> str:
        """Describe the shape of a series, such as ``"3 channels x up to 100 steps"``."""
        channels = "1 channel" if self.channels == 1 else f"{self.channels} channels"
        return f"{channels} x {'up to ' if self.varying else ''}{self.steps:,} steps"

    def input_notes(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """Return one note if ``table`` has series longer than the model's samples, else an empty tuple.

        ``known`` is not used.
        """
        longer = int((extract_steps(table).lengths > self.steps).sum())
        return (f"{longer:,} series are longer than {self.steps:,} steps and are truncated",) if longer else ()

    def tensorize(self, table: pa.Table, first_row: int = 0) -> Float[Tensor, " n C T"]:
        """Convert n series to a float32 tensor (n, channels, steps).

        Longer series are truncated, and shorter ones padded with NaN. ``first_row`` is not used.

        Raises
        ------
        InputError
            If the table has no column of series, if their number of channels differs from training, or if the tensor
            would take too much memory.
        """
        series = extract_steps(table)
        values, lengths = series
        if values.shape[1] != self.channels:
            raise InputError(f"series of {values.shape[1]} channels: the model was trained on {self.channels}")
        size = 4 * len(lengths) * self.channels * self.steps
        if size > MAX_BYTES:
            raise InputError(
                f"{len(lengths):,} series, padded to {self.steps:,} steps, take {size / 2**30:,.0f} GiB: "
                "set series.steps to truncate long ones"
            )
        row, step = np.repeat(np.arange(len(lengths)), lengths), series.step_numbers
        used = step < self.steps
        x = np.full((len(lengths), self.channels, self.steps), np.nan, np.float32)
        x[row[used], :, step[used]] = values[used]
        return torch.from_numpy(x)

    def inputs(self) -> Inputs:
        """Return the properties of samples that an encoder is built for: the numbers of channels and steps.

        They include no mean and standard deviation, because the frontend has already normalized the series.
        """
        return Inputs((self.channels, self.steps), kind="steps", varying=self.varying)

    def frontend(self) -> SeriesFrontend:
        """Return the module that normalizes a batch of series and masks their padding."""
        return SeriesFrontend(self.mean, self.std, self.varying, each=self.normalise == "each")


def _used_steps(series: Steps, steps: int) -> Float64[ndarray, " N C"]:
    """Return the first ``steps`` steps of every series, concatenated and in float64."""
    return np.asarray(series.values[series.step_numbers < steps], np.float64)
