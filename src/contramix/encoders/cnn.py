"""A small convolutional network, for images and spectrograms on a CPU."""

from pydantic import Field
from torch import nn

from contramix.encoders.convolution import ChannelsLast, channels, convolution, pool
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs


class CNN(EncoderSettings):
    """Layers of a 3x3 convolution with stride 2, BatchNorm and ReLU; stages ``layer1`` to ``layerN``, ``pool``.

    Each layer has twice the channels of the one before; ``width * 2 ** (depth - 1)`` come out.

    Parameters
    ----------
    width
        Channels of the first layer.
    depth
        Layers; each halves the picture's sides.

    Examples
    --------
    >>> encoder = CNN(width=8).build(Inputs((3, 32, 32)))
    >>> encoder.cuts, encoder.width
    (('input', 'layer1', 'layer2', 'layer3', 'layer4', 'pool', 'output'), 64)
    """

    width: int = Field(default=32, ge=1, le=1024)
    depth: int = Field(default=4, ge=1, le=8)

    def build(self, inputs: Inputs) -> Encoder:
        """Inputs are (channels, height, width) of any size.

        Raises
        ------
        InputError
            If they are not.
        """
        into, stages = channels(inputs, "cnn"), dict[str, nn.Module]()
        for number in range(1, self.depth + 1):
            out = self.width * 2 ** (number - 1)
            stages[f"layer{number}"] = nn.Sequential(ChannelsLast(), *convolution(into, out, stride=2), nn.ReLU())
            into = out
        stages["pool"] = pool()
        return Encoder(stages, into)
