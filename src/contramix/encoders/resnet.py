"""ResNets (He et al., CVPR 2016), with the small stem for small images that i-Mix and SimCLR use on CIFAR."""

from typing import Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from contramix.encoders.convolution import ChannelsLast, channels, convolution, pool
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Residual blocks of the four layers."""


class ResNet(EncoderSettings):
    """A ResNet for images and spectrograms; stages ``stem``, ``layer1`` to ``layer4``, ``pool``.

    Parameters
    ----------
    depth
        18 and 34 have basic blocks: 8 times the width come out; 50 and 101 have bottlenecks: 32 times.
    width
        Channels of the first layer. 64 is the published network, 256 its "4x", 32 i-Mix's ``resnet18h``.
    stem
        ``"cifar"``: 3x3, nothing is shrunk; for sides up to about 64. ``"imagenet"``: 7x7 with stride 2, then
        max-pooling: a quarter of the side.
    zero_init_residual
        Each block starts as the identity (Goyal et al., 2017).

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
        """Inputs are (channels, height, width) of any size.

        Raises
        ------
        InputError
            If they are not.
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


# No ReLU works in place: a block's output may be a stage's, and what is mixed there must still be what autograd saw.
class _Residual(nn.Module):
    """The sum of a branch and a shortcut, and ReLU; the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, branch: nn.Sequential, into: int, out: int, stride: int) -> None:
        super().__init__()
        self.branch = branch
        same = stride == 1 and into == out
        self.shortcut = nn.Identity() if same else convolution(into, out, 1, stride)
        self.relu = nn.ReLU()

    @property
    def last(self) -> nn.BatchNorm2d:
        """The branch's last BatchNorm."""
        norm = self.branch[-1]
        assert isinstance(norm, nn.BatchNorm2d)  # noqa: S101
        return norm

    def forward(self, x: Float[Tensor, " B C H W"]) -> Float[Tensor, " B D h w"]:
        """(B, into, H, W) to (B, out, H / stride, W / stride)."""
        total: Tensor = self.relu(self.branch(x) + self.shortcut(x))
        return total


class Basic(_Residual):
    """Two 3x3 convolutions."""

    expansion = 1

    def __init__(self, into: int, inner: int, stride: int) -> None:
        branch = nn.Sequential(*convolution(into, inner, 3, stride), nn.ReLU(), *convolution(inner, inner))
        super().__init__(branch, into, inner, stride)


class Bottleneck(_Residual):
    """1x1, 3x3 and 1x1 convolutions; the stride is the 3x3's, as in most implementations, and not the first 1x1's."""

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
