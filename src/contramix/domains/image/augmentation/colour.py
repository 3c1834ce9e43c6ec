"""Changes of colour: brightness, contrast, saturation, hue, grey. Each picture has its own strengths and order.

Definitions are those of torchvision's ColorJitter and RandomGrayscale, on floats in [0, 1]. Functions whose names end
in an underscore change their pictures in place: fresh memory costs more than the arithmetic.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

BRIGHTNESS, CONTRAST, SATURATION = range(3)
"""The three changes that blend a picture with another one: with black, with its mean grey, with its grey self."""


def grey(x: Float[Tensor, " B C H W"]) -> Float[Tensor, " B 1 H W"]:
    """The grey picture: 0.299 red + 0.587 green + 0.114 blue; where there are not three channels, their mean."""
    if x.shape[1] != 3:
        return x.mean(1, keepdim=True)
    red, green, blue = torch.chunk(x, 3, 1)
    return (red * 0.299).add_(green, alpha=0.587).add_(blue, alpha=0.114)


def blend_(
    x: Float[Tensor, " B C H W"], kind: Int[Tensor, " B"], factor: Float[Tensor, " B"]
) -> Float[Tensor, " B C H W"]:
    """Blend each picture with the one that belongs to its kind of change; factor 1 leaves it as it is.

    ``clamp(factor x + (1 - factor) other, 0, 1)``, where other is 0 for brightness, the mean of the grey picture
    for contrast, the grey picture for saturation.
    """
    kind, factor = kind[:, None, None, None], factor[:, None, None, None]
    other = grey(x)
    mean = other.mean((2, 3), keepdim=True)
    other.mul_(kind == SATURATION).add_(mean * (kind == CONTRAST))
    return x.lerp_(other, 1 - factor).clamp_(0, 1)


def turn_hue_(x: Float[Tensor, " B 3 H W"], turn: Float[Tensor, " B"]) -> Float[Tensor, " B 3 H W"]:
    """Turn each picture's hue by a part of the colour circle, at most half of it, in HSV; 0 leaves it as it is.

    The circle is six long, from -3 to 3, with red at 0, green at 2 and blue at -2. A pixel of smallest channel m and
    chroma c stands at ``±(1 + (green + blue - red - m) / c)``, with the sign of ``green - blue``: one formula for all
    six sectors. At a distance of d from its own colour, a channel lies ``c clamp(d - 1, 0, 1)`` under the largest.
    """
    red, green, blue = torch.chunk(x, 3, 1)
    largest, smallest = x.amax(1, keepdim=True), x.amin(1, keepdim=True)
    chroma = largest - smallest
    place = (green - smallest).add_(blue).sub_(red).div_(chroma.clamp(min=torch.finfo(x.dtype).tiny)).add_(1)
    # Of a grey pixel any place will do, but it must be a number.
    place = place.copysign_(green - blue).add_(6 * turn[:, None, None, None])
    place.sub_((place / 6).round_(), alpha=6)
    turned = (turn != 0).to(x.dtype)[:, None, None, None]
    for channel, colour in ((red, 0), (green, 2), (blue, -2)):
        distance = 3 - ((place - colour).abs_() - 3).abs_()
        channel.lerp_(largest - chroma * distance.sub_(1).clamp_(0, 1), turned)
    return x


def jitter_(
    x: Float[Tensor, " B C H W"],
    factors: Float[Tensor, " B 3"],
    turn: Float[Tensor, " B"] | None,
    order: Int[Tensor, " B 3"],
    place: Int[Tensor, " B"],
) -> Float[Tensor, " B C H W"]:
    """Brightness, contrast, saturation and hue, one after the other, in each picture's own order.

    Parameters
    ----------
    x
        Pictures in [0, 1].
    factors
        Of brightness, contrast and saturation; 1 changes nothing.
    turn
        How far the hue is turned, in parts of the circle; None leaves hues alone.
    order
        The three blends in the order of their use.
    place
        How many of them come before the hue, 0 to 3.
    """
    factors = factors.gather(1, order)
    for slot in range(3):
        blend_(x, order[:, slot], factors[:, slot] if turn is None else factors[:, slot].where(place > slot, 1))
    if turn is not None:
        turn_hue_(x, turn)
        for slot in range(3):
            blend_(x, order[:, slot], factors[:, slot].where(place <= slot, 1))
    return x
