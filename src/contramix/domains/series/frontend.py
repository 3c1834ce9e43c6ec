"""From series as they are stored to an encoder's input: standardised, and padding marked."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.encoders.frontend import Front
from contramix.samples.padded_sequences import PaddedSequences
from contramix.types import Activations

FLAT = 1e-6
"""A series whose deviation is less than this share of its mean is constant but for rounding."""


class SeriesFront(Front):
    """Channels to mean 0 and standard deviation 1, before noise and mixing, which so mean the same for all channels.

    Parameters
    ----------
    mean, std
        Of each channel.
    varying
        Whether lengths differ. If not, a batch of whole series is a plain tensor; one with a shorter series is
        :class:`contramix.samples.padded_sequences.PaddedSequences`, as all batches are if lengths differ.
    each
        Standardize each series by its own steps instead; channels that do not vary become 0.

    Examples
    --------
    >>> raw = torch.tensor([[[1.0, 3.0, torch.nan]]])
    >>> x = SeriesFront([2.0], [0.5], varying=True)(raw)
    >>> x.values.tolist(), x.presence.tolist()
    ([[[-2.0, 2.0, 0.0]]], [[1.0, 1.0, 0.0]])
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], varying: bool, each: bool = False) -> None:
        super().__init__()
        self.varying, self.each = varying, each
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float64).float()[:, None], persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float64).float()[:, None], persistent=False)

    def forward(self, raw: Float[Tensor, " B C T"]) -> Activations:
        """(B, C, T), NaN behind a series' end, to the same shape."""
        there = ~raw[:, :1].isnan()
        if self.each:
            steps = there.sum(2, keepdim=True).clamp(min=1)
            mean = raw.nansum(2, keepdim=True) / steps
            x = raw - mean
            std = (x.square().nansum(2, keepdim=True) / steps).sqrt()
            x = torch.where(std > FLAT * mean.abs(), x / std, 0.0)
        else:
            x = (raw - self.get_buffer("mean")) / self.get_buffer("std")
        if not self.varying and bool(there[:, :, -1].all()):
            return x
        return PaddedSequences(x.masked_fill(~there, 0.0), there[:, 0].to(x.dtype), axis=2)
