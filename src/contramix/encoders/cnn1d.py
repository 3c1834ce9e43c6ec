"""A small convolutional network over time, for series of one length or of many."""

from dataclasses import replace

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from contramix.encoders.convolution import ChannelsLast
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs
from contramix.samples.padded_sequences import PaddedSequences
from contramix.types import Activations

KERNELS = (7, 5, 3)
"""Of the first layers; all others have the last."""
TIMES = (1, 2, 2, 4)
"""Times the width; all further layers have the last."""
SHORT = 16
"""Steps that are not halved any more."""


class CNN1d(EncoderSettings):
    """Layers of a convolution over time, BatchNorm and ReLU; stages ``layer1`` to ``layerN``, ``pool``.

    Layers halve the number of steps while more than 16 are left. Pooling gives mean and maximum over time of each
    channel: with four layers 8 times the width come out. What lies behind a series' end has no influence: not on its
    representation, nor on BatchNorm's statistics.

    Where lengths differ, samples are mixed behind pooling unless told otherwise, as DACL mixes representations of fixed
    length; mixing before is possible, where the shorter of two series fades out by its weight.

    Parameters
    ----------
    width
        Channels of the first layer. At 32, a step of 200 series of 427 steps takes about a tenth of a second on one
        core.
    depth
        Number of layers.

    Examples
    --------
    >>> encoder = CNN1d(width=8).build(Inputs((1, 100), kind="steps"))
    >>> encoder.cuts, encoder.auto, encoder.width
    (('input', 'layer1', 'layer2', 'layer3', 'layer4', 'pool', 'output'), 'input', 64)
    """

    takes = frozenset({"steps"})

    width: int = Field(default=32, ge=1, le=4096)
    depth: int = Field(default=4, ge=1, le=50)

    def build(self, inputs: Inputs) -> Encoder:
        """Inputs are (channels, steps) of any size."""
        into, steps = inputs.shape
        stages: dict[str, nn.Module] = {}
        for number in range(self.depth):
            out = TIMES[min(number, len(TIMES) - 1)] * self.width
            stride = 2 if steps > SHORT else 1
            stages[f"layer{number + 1}"] = Layer(into, out, KERNELS[min(number, len(KERNELS) - 1)], stride)
            into, steps = out, -(-steps // stride)
        stages["pool"] = Pool()
        return Encoder(stages, 2 * into, auto="output" if inputs.varying else "input")


class Layer(nn.Module):
    """A convolution, BatchNorm and ReLU; values are weighted by how much of their step is there.

    Series are continued by zeros on both sides, so what comes out of a series does not depend on its padding. Inside,
    series are pictures one pixel high: with channels side by side in memory convolutions run up to twice as fast.
    """

    def __init__(self, into: int, out: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.order = ChannelsLast()
        self.convolution = nn.Conv2d(into, out, (1, kernel), (1, stride), padding=(0, kernel // 2), bias=False)
        nn.init.kaiming_normal_(self.convolution.weight, mode="fan_out", nonlinearity="relu")
        self.norm = StepNorm(out)
        self.stride = stride

    def forward(self, x: Activations) -> Activations:
        """(B, C, T) to (B, D, T / stride)."""
        if not isinstance(x, PaddedSequences):
            return self._through(x, None)  # type: ignore[arg-type]
        presence = x.presence[:, :: self.stride]
        return replace(x, values=self._through(x.values, presence) * presence[:, None], presence=presence)

    def _through(self, x: Float[Tensor, " B C T"], presence: Float[Tensor, " B t"] | None) -> Float[Tensor, " B D t"]:
        return functional.relu(self.norm(self.convolution(self.order(x.unsqueeze(2))), presence)).squeeze(2)


class StepNorm(nn.BatchNorm2d):
    """BatchNorm over the steps that are there, each by its presence."""

    def forward(self, x: Float[Tensor, " B C 1 T"], presence: Float[Tensor, " B T"] | None = None) -> Tensor:
        """(B, C, 1, T) to the same shape."""
        if presence is None or not self.training:
            return super().forward(x)
        weight, count = presence[:, None, None], presence.sum()
        mean = (x * weight).sum((0, 2, 3), keepdim=True) / count
        centred = x - mean
        variance = (centred.square() * weight).sum((0, 2, 3), keepdim=True) / count
        unbiased = variance * (count / (count - 1).clamp(min=1e-6))
        self._follow(mean.flatten(), unbiased.flatten())
        by_channel = (1, -1, 1, 1)
        scale = self.weight.view(by_channel) * (variance + self.eps).rsqrt()
        return centred * scale + self.bias.view(by_channel)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics, as torch does: by momentum, or to the plain mean over batches."""
        seen = self.get_buffer("num_batches_tracked").add_(1)
        share = 1 / float(seen) if self.momentum is None else self.momentum
        self.get_buffer("running_mean").lerp_(mean, share)
        self.get_buffer("running_var").lerp_(variance, share)


class Pool(nn.Module):
    """Mean and maximum over time of values that are not negative."""

    def forward(self, x: Activations) -> Float[Tensor, " B d"]:
        """(B, C, T) to (B, 2 C)."""
        if not isinstance(x, PaddedSequences):
            return torch.cat([x.mean(2), x.amax(2)], 1)  # type: ignore[union-attr]
        # Values behind a series' end are 0, which is no maximum; those of mixtures bear their presence already.
        mean = x.values.sum(2) / x.presence.sum(1, keepdim=True).clamp(min=1e-6)
        return torch.cat([mean, x.values.amax(2)], 1)
