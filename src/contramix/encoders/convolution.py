"""Provide the modules that convolutional encoders share: convolution with BatchNorm, and pooling."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contramix.encoders.encoder import Inputs
from contramix.errors import InputError


def channels(inputs: Inputs, encoder: str) -> int:
    """Return the number of channels of images or spectrograms, ``inputs.shape[0]``.

    ``encoder`` is the name of the encoder that calls this function, for the error message.

    Raises
    ------
    InputError
        If ``inputs.shape`` is not (channels, height, width).
    """
    if len(inputs.shape) != 3:
        shape = " x ".join(map(str, inputs.shape))
        raise InputError(
            f"encoder {encoder!r} takes images or spectrograms (channels x height x width), not inputs of {shape}; "
            "use encoder 'mlp'"
        )
    return inputs.shape[0]


class ChannelsLast(nn.Module):
    """Convert a batch to channels-last memory format, in which convolutions run 1.5 times as fast on a CPU.

    Each stage of a CNN begins with this module, because mixing operators between stages can change the memory format.
    """

    def forward(self, x: Float[Tensor, " B C H W"]) -> Float[Tensor, " B C H W"]:
        """Return the batch in channels-last memory format; its shape and values stay the same."""
        # A tensor with one channel matches both formats, and only a copy gets the strides that convolutions look at.
        order = torch.channels_last
        return x.clone(memory_format=order) if x.shape[1] == 1 else x.contiguous(memory_format=order)


def convolution(into: int, out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a 2-D convolution followed by BatchNorm.

    ``into`` and ``out`` are the numbers of input and output channels. The convolution has no bias, and its padding is
    ``kernel // 2``.
    """
    layer = nn.Conv2d(into, out, kernel, stride, padding=kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(layer, nn.BatchNorm2d(out))


def pool() -> nn.Sequential:
    """Return a module that averages each channel over height and width: (B, C, H, W) to (B, C)."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
