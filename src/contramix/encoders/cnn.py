"""A small convolutional network, for images and spectrograms on a CPU."""

from pydantic import Field
from torch import nn

from contramix.encoders.convolution import ChannelsLast, channels, convolution, pool
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs

LAYERS = ((1, 2), (2, 2), (4, 2), (4, 1), (8, 1))
"""Times the width, and stride. Shrinking the picture at once makes it fast, depth after that costs little."""


class CNN(EncoderSettings):
    """Five layers of a 3x3 convolution, BatchNorm and ReLU; stages ``layer1`` to ``layer5``, ``pool``.

    The first three halve the picture's sides. 8 times the width come out. At 16, a thousand steps of 256 images of
    32 x 32 take one to two minutes on two cores.

    Parameters
    ----------
    width
        Channels of the first layer. Multiples of 16 use a processor best.

    Examples
    --------
    >>> encoder = CNN(width=16).build(Inputs((3, 32, 32)))
    >>> encoder.cuts, encoder.width
    (('input', 'layer1', 'layer2', 'layer3', 'layer4', 'layer5', 'pool', 'output'), 128)
    """

    width: int = Field(default=16, ge=1, le=1024)

    def build(self, inputs: Inputs) -> Encoder:
        """Inputs are (channels, height, width) of any size.

        Raises
        ------
        InputError
            If they are not.
        """
        into, stages = channels(inputs, "cnn"), dict[str, nn.Module]()
        for number, (times, stride) in enumerate(LAYERS, start=1):
            out = times * self.width
            stages[f"layer{number}"] = nn.Sequential(ChannelsLast(), *convolution(into, out, stride=stride), nn.ReLU())
            into = out
        stages["pool"] = pool()
        return Encoder(stages, into)
