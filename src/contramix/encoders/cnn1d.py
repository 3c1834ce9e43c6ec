"""Provide a small convolutional network over time, for series of equal or varying length."""

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
"""Kernel sizes of the first three layers; further layers use the last one."""
TIMES = (1, 2, 2, 4)
"""Width multipliers of the first four layers; further layers use the last one."""
SHORT = 16
"""Number of time steps at or below which layers stop downsampling."""


class CNN1d(EncoderSettings):
    """Configure a CNN over time with layers of convolution, BatchNorm and ReLU, followed by pooling over time.

    The stages are ``layer1`` to ``layerN`` and ``pool``.
    Layers halve the number of time steps while more than 16 are left. Pooling concatenates the mean and the maximum of
    each channel over time; with four layers the representation has size 8 * ``width``. Padding has no influence on
    representations or on BatchNorm's statistics.

    If lengths vary, samples are by default mixed after pooling, as in DACL. They can also be mixed earlier. The mixture
    then is as long as the longer sample; after the end of the shorter one, it is the longer one times its weight.

    Parameters
    ----------
    width
        Channels of the first layer. With 32, a training step on 200 series of 427 time steps takes about 0.1 s on one
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
        """Build the encoder, with newly initialized weights, for series; ``inputs.shape`` is (channels, time steps)."""
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
    """Apply a convolution over time, BatchNorm and ReLU, and set padded time steps to zero.

    The convolution pads series with zeros on both sides. Padded steps of a batch are zeros too, so the output for a
    series does not depend on the length to which it was padded. Internally a series is an image of height 1, because
    2-D convolutions in channels-last memory format run up to twice as fast.
    """

    def __init__(self, into: int, out: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.order = ChannelsLast()
        self.convolution = nn.Conv2d(into, out, (1, kernel), (1, stride), padding=(0, kernel // 2), bias=False)
        nn.init.kaiming_normal_(self.convolution.weight, mode="fan_out", nonlinearity="relu")
        self.norm = StepNorm(out)
        self.stride = stride

    def forward(self, x: Activations) -> Activations:
        """Apply the layer to series of shape (B, C, T), and return shape (B, D, ceil(T / stride)).

        C and D are the numbers of input and output channels. For padded sequences, the padding mask is subsampled with
        the same stride.
        """
        if not isinstance(x, PaddedSequences):
            return self._through(x, None)  # type: ignore[arg-type]
        presence = x.presence[:, :: self.stride]
        return replace(x, values=self._through(x.values, presence) * presence[:, None], presence=presence)

    def _through(self, x: Float[Tensor, " B C T"], presence: Float[Tensor, " B t"] | None) -> Float[Tensor, " B D t"]:
        return functional.relu(self.norm(self.convolution(self.order(x.unsqueeze(2))), presence)).squeeze(2)


class StepNorm(nn.BatchNorm2d):
    """Apply BatchNorm to series; padded time steps do not count in the mean and variance of a channel."""

    def forward(self, x: Float[Tensor, " B C 1 T"], presence: Float[Tensor, " B T"] | None = None) -> Tensor:
        """Normalize each channel of a batch with the statistics of the batch, or in eval mode the running statistics.

        ``presence`` weights the time steps in the statistics: 1 at observed steps, 0 in padding, and a number between 0
        and 1 at steps of mixtures that are padding in one source. None: the batch has no padding.
        """
        if presence is None or not self.training:
            return super().forward(x)
        weight, count = presence[:, None, None], presence.sum()
        mean = (x * weight).sum((0, 2, 3), keepdim=True) / count
        centered = x - mean
        variance = (centered.square() * weight).sum((0, 2, 3), keepdim=True) / count
        unbiased = variance * (count / (count - 1).clamp(min=1e-6))
        self._update_statistics(mean.flatten(), unbiased.flatten())
        by_channel = (1, -1, 1, 1)
        scale = self.weight.view(by_channel) * (variance + self.eps).rsqrt()
        return centered * scale + self.bias.view(by_channel)

    @torch.no_grad()
    def _update_statistics(self, mean: Tensor, variance: Tensor) -> None:
        """Update the running mean and variance from the statistics of a batch, as torch's BatchNorm does.

        ``self.momentum`` is the weight of the batch; None averages all batches with equal weights.
        """
        seen = self.get_buffer("num_batches_tracked").add_(1)
        share = 1 / float(seen) if self.momentum is None else self.momentum
        self.get_buffer("running_mean").lerp_(mean, share)
        self.get_buffer("running_var").lerp_(variance, share)


class Pool(nn.Module):
    """Concatenate the mean and the maximum over time of each channel. Values must be nonnegative, as after ReLU."""

    def forward(self, x: Activations) -> Float[Tensor, " B d"]:
        """Return the mean and the maximum of each channel over the unpadded time steps: (B, C, T) to (B, 2 C)."""
        if not isinstance(x, PaddedSequences):
            return torch.cat([x.mean(2), x.amax(2)], 1)  # type: ignore[union-attr]
        # Padded values are 0 and never the maximum; values of mixtures are already weighted by their presence.
        mean = x.values.sum(2) / x.presence.sum(1, keepdim=True).clamp(min=1e-6)
        return torch.cat([mean, x.values.amax(2)], 1)
