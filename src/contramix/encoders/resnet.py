"""Provide ResNets (He et al., CVPR 2016), with the stem for small images that i-Mix and SimCLR use on CIFAR."""

from typing import Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from contramix.encoders.convolution import ChannelsLast, channels, convolution, pool
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Number of residual blocks in each of the four layers, by depth."""


class ResNet(EncoderSettings):
    """Configure a ResNet for images and spectrograms.

    The stages are ``stem``, ``layer1`` to ``layer4`` and ``pool``.

    Parameters
    ----------
    depth
        Number of layers. 18 and 34 use basic blocks and return representations of size 8 * ``width``; 50 and 101 use
        bottlenecks and return 32 * ``width``.
    width
        Channels of the first layer: 64 is the published network, 256 its "4x" variant, 32 i-Mix's ``resnet18h``.
    stem
        ``"cifar"``: a 3x3 convolution without downsampling, for images up to about 64 x 64. ``"imagenet"``: a 7x7
        convolution with stride 2 and max-pooling, which reduce height and width to a quarter.
    zero_init_residual
        Whether to initialize each block as the identity (Goyal et al., 2017).

    Examples
    --------
    >>> ResNet(width=8).build(Inputs((3, 32, 32))).cuts
    ('input', 'stem', 'layer1', 'layer2', 'layer3', 'layer4', 'pool', 'output')
    """

    depth: Literal[18, 34, 50, 101] = 18
    width: int = Field(default=64, ge=1, le=1024)
    stem: Literal["cifar", "imagenet"] = "cifar"
    zero_init_residual: bool = False

    def build(self, inputs: Inputs) -> Encoder:
        """Build the encoder, with newly initialized weights, for images or spectrograms.

        Raises
        ------
        InputError
            If ``inputs.shape`` is not (channels, height, width).
        """
        block: type[Basic] | type[Bottleneck] = Basic if self.depth < 50 else Bottleneck
        stages: dict[str, nn.Module] = {"stem": self._stem(channels(inputs, "resnet"))}
        into = self.width
        for number, blocks in enumerate(BLOCKS[self.depth], start=1):
            inner = self.width * 2 ** (number - 1)
            layer: list[Basic | Bottleneck] = []
            for place in range(blocks):
                layer.append(block(into, inner, stride=2 if number > 1 and place == 0 else 1))
                into = inner * block.expansion
            stages[f"layer{number}"] = nn.Sequential(ChannelsLast(), *layer)
            if self.zero_init_residual:
                for made in layer:
                    nn.init.zeros_(made.last.weight)
        stages["pool"] = pool()
        return Encoder(stages, into)

    def _stem(self, into: int) -> nn.Sequential:
        if self.stem == "cifar":
            return nn.Sequential(ChannelsLast(), *convolution(into, self.width), nn.ReLU())
        return nn.Sequential(
            ChannelsLast(), *convolution(into, self.width, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)
        )


# No ReLU is in place: a block's output may be a stage's output, which mixing must not find modified.
class _Residual(nn.Module):
    """Apply a residual block: ReLU of the sum of a branch, given as a module, and a shortcut.

    ``into`` and ``out`` are the numbers of input and output channels, and ``stride`` is the total stride of the branch.
    The shortcut is the identity, or a 1x1 convolution if the number of channels or the stride changes the shape.
    """

    def __init__(self, branch: nn.Sequential, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.branch = branch
        self.stride = stride
        self.shortcut = nn.Identity() if stride == 1 and into == out else convolution(into, out, 1)
        self.relu = nn.ReLU()

    @property
    def last(self) -> nn.BatchNorm2d:
        """Return the last BatchNorm of the branch. If its weight and bias are zero, the branch returns zero."""
        norm = self.branch[-1]
        assert isinstance(norm, nn.BatchNorm2d)  # noqa: S101
        return norm

    def forward(self, x: Float[Tensor, " B C H W"]) -> Float[Tensor, " B D h w"]:
        """Apply the block: (B, into, H, W) to (B, out, H / stride, W / stride)."""
        # Stride by taking pixels: in torch 2.13 (oneDNN 3.12) the backward pass of a 1x1 convolution with a stride and
        # fewer than 8 channels corrupts memory on processors without AVX-512.
        pixels = x[:, :, :: self.stride, :: self.stride]
        total: Tensor = self.relu(self.branch(x) + self.shortcut(pixels))
        return total


class Basic(_Residual):
    """Apply a residual block of two 3x3 convolutions, as in ResNet-18 and 34."""

    expansion = 1

    def __init__(self, into: int, inner: int, stride: int) -> None:
        branch = nn.Sequential(*convolution(into, inner, 3, stride), nn.ReLU(), *convolution(inner, inner))
        super().__init__(branch, into, inner, stride)


class Bottleneck(_Residual):
    """Apply a residual block of 1x1, 3x3 (with the stride) and 1x1 convolutions, as in ResNet-50 and 101."""

    expansion = 4

    def __init__(self, into: int, inner: int, stride: int) -> None:
        out = self.expansion * inner
        branch = nn.Sequential(
            *convolution(into, inner, 1),
            nn.ReLU(),
            *convolution(inner, inner, 3, stride),
            nn.ReLU(),
            *convolution(inner, out, 1),
        )
        super().__init__(branch, into, out, stride)
