"""Convert stored time series to an encoder's input: normalize them, and mask their padding."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.encoders.frontend import Front
from contramix.samples.padded_sequences import PaddedSequences
from contramix.types import Activations

FLAT = 1e-6
"""A series is constant, up to rounding, if its standard deviation is at most this share of its mean."""


class SeriesFrontend(Front):
    """Normalize each channel of a series to mean 0 and standard deviation 1, and mask padding.

    Noise and mixing are applied after this module, when all channels have the same scale.

    Parameters
    ----------
    mean, std
        Mean and standard deviation of each channel over the training series.
    varying
        Whether some training series were padded. If True, every batch is returned as values with a mask, a
        :class:`contramix.samples.padded_sequences.PaddedSequences`. If False, a batch without padding is returned as a
        plain tensor.
    each
        Whether each channel of a series is normalized by its mean and standard deviation over that series, instead of
        ``mean`` and ``std``. A channel that is constant in a series then becomes 0.

    Examples
    --------
    >>> raw = torch.tensor([[[1.0, 3.0, torch.nan]]])
    >>> x = SeriesFrontend([2.0], [0.5], varying=True)(raw)
    >>> x.values.tolist(), x.presence.tolist()
    ([[[-2.0, 2.0, 0.0]]], [[1.0, 1.0, 0.0]])
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], varying: bool, each: bool = False) -> None:
        super().__init__()
        self.varying, self.each = varying, each
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float64).float()[:, None], persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float64).float()[:, None], persistent=False)

    def forward(self, raw: Float[Tensor, " B C T"]) -> Activations:
        """Standardize a batch of series (batch, channels, steps), in which NaN marks padding at the end.

        Mean and standard deviation are those of each channel in the training data or, if the module was created with
        ``each=True``, of each channel in the series itself. The result has the same shape, and padding becomes 0. It is
        a ``PaddedSequences`` with a mask of the padding if the module was created with ``varying=True`` or a series
        ends with padding, else a tensor.
        """
        present = ~raw[:, :1].isnan()
        if self.each:
            steps = present.sum(2, keepdim=True).clamp(min=1)
            mean = raw.nansum(2, keepdim=True) / steps
            x = raw - mean
            std = (x.square().nansum(2, keepdim=True) / steps).sqrt()
            x = torch.where(std > FLAT * mean.abs(), x / std, 0.0)
        else:
            x = (raw - self.get_buffer("mean")) / self.get_buffer("std")
        if not self.varying and bool(present[:, :, -1].all()):
            return x
        return PaddedSequences(x.masked_fill(~present, 0.0), present[:, 0].to(x.dtype), axis=2)
