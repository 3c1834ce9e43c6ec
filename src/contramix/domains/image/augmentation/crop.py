"""Crop a random part of each image, and resize it to the size of the image."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

TRIES = 10
"""Number of boxes that are drawn for each image; the first that fits is used."""


class Boxes(NamedTuple):
    """Hold one box for each image of a batch: its top left corner and its size, in whole pixels stored as floats."""

    top: Float[Tensor, " B"]
    left: Float[Tensor, " B"]
    height: Float[Tensor, " B"]
    width: Float[Tensor, " B"]


def random_boxes(
    x: Float[Tensor, " B C H W"],
    scale: tuple[float, float],
    ratio: tuple[float, float],
    generator: torch.Generator,
) -> Boxes:
    """Draw a crop box of random area, aspect ratio and position for each image, like torchvision's RandomResizedCrop.

    Parameters
    ----------
    x
        Images, of which only the size and the device are used.
    scale
        Range of the box's area as a fraction of the image's area, which is drawn uniformly.
    ratio
        Range of the aspect ratio, width divided by height; its logarithm is drawn uniformly.
    generator
        The generator of all random numbers, on the device of ``x``.

    Notes
    -----
    Boxes that do not fit into the image are drawn again. If none of 10 boxes fits, the largest box with an aspect ratio
    in the range is used, in the center of the image. The method is from Szegedy et al. (2015).
    NOTE[DIFF]: torchvision draws until a box fits; here all tries are drawn at once. The distribution is the same.
    """
    n, _, height, width = x.shape

    def draw(*size: int) -> Tensor:
        return torch.rand(size, generator=generator, device=x.device)

    low, high = math.log(ratio[0]), math.log(ratio[1])
    area = height * width * (scale[0] + (scale[1] - scale[0]) * draw(n, TRIES))
    shape = torch.exp(low + (high - low) * draw(n, TRIES))
    wide, tall = (area * shape).sqrt().round(), (area / shape).sqrt().round()
    fits = (wide >= 1) & (wide <= width) & (tall >= 1) & (tall <= height)
    first, found = fits.byte().argmax(1, keepdim=True), fits.any(1)  # argmax returns the first maximum
    whole = min(max(width / height, ratio[0]), ratio[1])
    w = wide.gather(1, first)[:, 0].where(found, max(1, min(width, round(height * whole))))
    h = tall.gather(1, first)[:, 0].where(found, max(1, min(height, round(width / whole))))
    # A draw close to 1 may be rounded up beyond the last position; hence the minimum.
    top = torch.minimum((draw(n) * (height - h + 1)).floor(), height - h)
    left = torch.minimum((draw(n) * (width - w + 1)).floor(), width - w)
    middle = ((height - h) / 2).floor(), ((width - w) / 2).floor()
    return Boxes(top.where(found, middle[0]), left.where(found, middle[1]), h, w)


def enlarge(x: Float[Tensor, " B C H W"], boxes: Boxes, flip: Bool[Tensor, " B"]) -> Float[Tensor, " B C H W"]:
    """Crop a box from each image, resize it to the size of the whole image, and flip the images selected by ``flip``.

    Interpolation is bilinear. A box is never larger than its image; antialiasing is therefore not needed. Pixels
    outside the box have no influence: the result is that of cropping and resizing.
    NOTE[DIFF]: the papers' loaders crop images of ImageNet at their full size, and resize the crop to 224; here images
    are resized when they are read, and a small crop of a large image is therefore less sharp.
    """
    down = _places(boxes.top, boxes.height, x.shape[2])[:, :, None]
    across = _places(boxes.left, boxes.width, x.shape[3])[:, None, :]
    across = across.flip(2).where(flip[:, None, None], across)
    size = len(x), *x.shape[2:]
    grid = torch.stack((across.expand(size), down.expand(size)), 3)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _places(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Return the position in the source image of each output pixel along one side, for ``grid_sample``.

    Positions are scaled such that the edges of the image are at -1 and 1. The shape of the result is (batch, size).

    Parameters
    ----------
    start, length
        First pixel and number of pixels of the box of each image along this side.
    size
        Number of pixels along this side, of the source image as well as of the output.
    """
    at = (torch.arange(size, device=start.device) + 0.5) * (length / size)[:, None] - 0.5
    inside = torch.minimum(at.clamp(min=0), (length - 1)[:, None]) + start[:, None]
    return (2 * inside + 1) / size - 1
