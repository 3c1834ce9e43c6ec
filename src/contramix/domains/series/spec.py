"""What was learned of time series: channels, length, and mean and deviation of each channel. Half of a saved model."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from contramix.domains.series.column import SERIES, steps_of
from contramix.domains.series.frontend import SeriesFront
from contramix.domains.series.settings import MOST_STEPS
from contramix.domains.spec import Spec
from contramix.encoders.encoder import Inputs
from contramix.errors import InputError

MOST_BYTES = 16 << 30
"""Of all samples, padded to one length."""


class SeriesSpec(Spec):
    """One number of channels for all series, and what was learned of the training series only.

    Parameters
    ----------
    channels
        Of every series.
    steps
        The longest that a series may be: of longer ones the start is used.
    varying
        Whether some training series are shorter.
    mean, std
        Of each channel, over all steps of the training series.
    normalise
        By these (``"channel"``), or each series by its own (``"each"``).
    columns
        Of a table: the columns that are steps or channels.

    Examples
    --------
    >>> spec = SeriesSpec(rows=2, channels=1, steps=24, varying=False, mean=(0.5,), std=(0.2,))
    >>> spec.inputs().kind, spec.inputs().shape
    ('steps', (1, 24))
    """

    domain: Literal["series"] = "series"
    format_version: Literal[1] = 1
    channels: int = Field(ge=1, le=2**24)
    steps: int = Field(ge=1, le=MOST_STEPS)
    varying: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    normalise: Literal["channel", "each"] = "channel"
    columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _of_each_channel(self) -> "SeriesSpec":
        if not len(self.mean) == len(self.std) == self.channels or min(self.std) <= 0:
            raise ValueError("mean and std: one number a channel, and std above 0")
        return self

    @property
    def kinds(self) -> dict[str, list[str]]:
        """The column of series."""
        return {"series": [SERIES]}

    @property
    def form(self) -> str:
        """Channels and steps of a series."""
        channels = "1 channel" if self.channels == 1 else f"{self.channels} channels"
        return f"{channels} x {'up to ' if self.varying else ''}{self.steps:,} steps"

    def unknown(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """A note on series that are longer than those that the model knows."""
        longer = int((steps_of(table).lengths > self.steps).sum())
        return (f"{longer:,} series are longer than {self.steps:,} steps: their start is used",) if longer else ()

    def tensorize(self, table: pa.Table) -> Float[Tensor, " n C T"]:
        """Series as float32 (n, channels, steps), NaN behind the end of shorter ones.

        Raises
        ------
        InputError
            If there are no series, they have other channels, or would take too much memory.
        """
        series = steps_of(table)
        values, lengths = series
        if values.shape[1] != self.channels:
            raise InputError(f"series of {values.shape[1]} channels: the model was trained on {self.channels}")
        size = 4 * len(lengths) * self.channels * self.steps
        if size > MOST_BYTES:
            raise InputError(
                f"{len(lengths):,} series, padded to {self.steps:,} steps, take {size / 2**30:,.0f} GiB: "
                "set series.steps to use the start of long ones"
            )
        row, step = np.repeat(np.arange(len(lengths)), lengths), series.number
        used = step < self.steps
        x = np.full((len(lengths), self.channels, self.steps), np.nan, np.float32)
        x[row[used], :, step[used]] = values[used]
        return torch.from_numpy(x)

    def inputs(self) -> Inputs:
        """Channels and steps; the front has standardised them."""
        return Inputs((self.channels, self.steps), kind="steps", varying=self.varying)

    def front(self) -> SeriesFront:
        """The way from series as they are stored to standardised and masked ones."""
        return SeriesFront(self.mean, self.std, self.varying, each=self.normalise == "each")
