"""Change brightness, contrast, saturation and hue of images, each with its own strengths and order.

Definitions are those of torchvision's ColorJitter and RandomGrayscale, on floats in [0, 1]. Functions whose names end
in an underscore change images in place, as allocating memory costs more than the arithmetic.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

BRIGHTNESS, CONTRAST, SATURATION = range(3)
"""Changes that blend an image with black, with its mean gray value, or with itself in grayscale."""


def grey(x: Float[Tensor, " B C H W"]) -> Float[Tensor, " B 1 H W"]:
    """Convert RGB images to grayscale: 0.299 red + 0.587 green + 0.114 blue.

    If the number of channels is not 3, return the mean of the channels instead.
    """
    if x.shape[1] != 3:
        return x.mean(1, keepdim=True)
    red, green, blue = torch.chunk(x, 3, 1)
    return (red * 0.299).add_(green, alpha=0.587).add_(blue, alpha=0.114)


def blend_(
    x: Float[Tensor, " B C H W"], kind: Int[Tensor, " B"], factor: Float[Tensor, " B"]
) -> Float[Tensor, " B C H W"]:
    """Change brightness, contrast or saturation of images in [0, 1] in place, and return the images.

    The result is ``clamp(factor x + (1 - factor) other, 0, 1)``. ``other`` is 0 for brightness, the mean of the
    grayscale image for contrast, and the grayscale image for saturation.

    Parameters
    ----------
    x
        Images in [0, 1].
    kind
        The change to apply to each image: 0 for brightness, 1 for contrast, 2 for saturation.
    factor
        Factor for each image; an image with factor 1 is not changed.
    """
    kind, factor = kind[:, None, None, None], factor[:, None, None, None]
    other = grey(x)
    mean = other.mean((2, 3), keepdim=True)
    other.mul_(kind == SATURATION).add_(mean * (kind == CONTRAST))
    return x.lerp_(other, 1 - factor).clamp_(0, 1)


def turn_hue_(x: Float[Tensor, " B 3 H W"], turn: Float[Tensor, " B"]) -> Float[Tensor, " B 3 H W"]:
    """Rotate the hue of RGB images in HSV in place, and return the images.

    Parameters
    ----------
    x
        Images in [0, 1].
    turn
        Rotation for each image as a fraction of the color circle, from -0.5 to 0.5. Positive values rotate red toward
        green. An image with 0 is not changed.

    Notes
    -----
    Hues are positions on a circle of length 6, from -3 to 3, with red at 0, green at 2 and blue at -2. Let m be the
    smallest channel of a pixel, and let the chroma c be its largest channel minus m. The hue of the pixel is
    ``±(1 + (green + blue - red - m) / c)``, with the sign of ``green - blue``; this one formula holds in all six
    sectors of the circle. After rotation, a channel whose position on the circle (such as 2 for green) has distance d
    from the new hue is ``c clamp(d - 1, 0, 1)`` below the largest channel.
    """
    red, green, blue = torch.chunk(x, 3, 1)
    largest, smallest = x.amax(1, keepdim=True), x.amin(1, keepdim=True)
    chroma = largest - smallest
    place = (green - smallest).add_(blue).sub_(red).div_(chroma.clamp(min=torch.finfo(x.dtype).tiny)).add_(1)
    # Any hue will do for a gray pixel, but it must not be NaN.
    place = place.copysign_(green - blue).add_(6 * turn[:, None, None, None])
    place.sub_((place / 6).round_(), alpha=6)
    turned = (turn != 0).to(x.dtype)[:, None, None, None]
    for channel, hue in ((red, 0), (green, 2), (blue, -2)):
        distance = 3 - ((place - hue).abs_() - 3).abs_()
        channel.lerp_(largest - chroma * distance.sub_(1).clamp_(0, 1), turned)
    return x


def jitter_(
    x: Float[Tensor, " B C H W"],
    factors: Float[Tensor, " B 3"],
    turn: Float[Tensor, " B"] | None,
    order: Int[Tensor, " B 3"],
    place: Int[Tensor, " B"],
) -> Float[Tensor, " B C H W"]:
    """Change brightness, contrast, saturation and hue of images in place, and return the images.

    Each image has its own order of the four changes.

    Parameters
    ----------
    x
        Images in [0, 1].
    factors
        Factors of brightness, contrast and saturation, in these columns; 1 has no effect.
    turn
        Rotation of the hue, as a fraction of the color circle, from -0.5 to 0.5; None for no rotation.
    order
        For each image, the order of the first three changes: a permutation of 0 (brightness), 1 (contrast) and 2
        (saturation).
    place
        For each image, the number of these three changes that are applied before the hue is rotated, from 0 to 3.
    """
    factors = factors.gather(1, order)
    for slot in range(3):
        blend_(x, order[:, slot], factors[:, slot] if turn is None else factors[:, slot].where(place > slot, 1))
    if turn is not None:
        turn_hue_(x, turn)
        for slot in range(3):
            blend_(x, order[:, slot], factors[:, slot].where(place <= slot, 1))
    return x
