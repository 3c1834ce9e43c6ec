"""A random part of each picture, enlarged to the picture's size."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

TRIES = 10
"""Boxes drawn for each picture; the first that lies inside it is taken."""


class Boxes(NamedTuple):
    """A box in each picture: whole pixels, as floats."""

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
    """Draw boxes of random area, shape and place (Szegedy et al., 2015; torchvision's RandomResizedCrop).

    Parameters
    ----------
    x
        Pictures; each gets a box.
    scale
        A box's part of the area is drawn evenly between these.
    ratio
        Width by height; its logarithm is drawn evenly between these.
    generator
        Where all draws come from.

    Notes
    -----
    A picture whose every draw is too wide or too high gets the largest box of an allowed shape, in its middle.
    NOTE[DIFF]: torchvision draws on until a box fits; here all tries are drawn at once. The law is the same.
    """
    n, _, height, width = x.shape

    def draw(*size: int) -> Tensor:
        return torch.rand(size, generator=generator, device=x.device)

    low, high = math.log(ratio[0]), math.log(ratio[1])
    area = height * width * (scale[0] + (scale[1] - scale[0]) * draw(n, TRIES))
    shape = torch.exp(low + (high - low) * draw(n, TRIES))
    wide, tall = (area * shape).sqrt().round(), (area / shape).sqrt().round()
    fits = (wide >= 1) & (wide <= width) & (tall >= 1) & (tall <= height)
    first, found = fits.byte().argmax(1, keepdim=True), fits.any(1)  # argmax: the first of equals
    whole = min(max(width / height, ratio[0]), ratio[1])
    w = wide.gather(1, first)[:, 0].where(found, max(1, min(width, round(height * whole))))
    h = tall.gather(1, first)[:, 0].where(found, max(1, min(height, round(width / whole))))
    # The minimum: a draw next to 1 may be rounded up to a place too far.
    top = torch.minimum((draw(n) * (height - h + 1)).floor(), height - h)
    left = torch.minimum((draw(n) * (width - w + 1)).floor(), width - w)
    middle = ((height - h) / 2).floor(), ((width - w) / 2).floor()
    return Boxes(top.where(found, middle[0]), left.where(found, middle[1]), h, w)


def enlarge(x: Float[Tensor, " B C H W"], boxes: Boxes, flip: Bool[Tensor, " B"]) -> Float[Tensor, " B C H W"]:
    """Each picture's box at the size of the picture, by bilinear interpolation, and mirrored where ``flip`` says so.

    A box is never larger than its picture, so nothing is shrunk and nothing needs smoothing against aliasing. Pixels
    outside the box play no part: the result is that of cutting out and resizing.
    NOTE[DIFF]: the papers' loaders crop ImageNet's pictures at their full size, and shrink or enlarge the crop to 224;
    here pictures have been brought to one size when they were read, so a small crop of a large picture is less sharp.
    """
    down = _places(boxes.top, boxes.height, x.shape[2])[:, :, None]
    across = _places(boxes.left, boxes.width, x.shape[3])[:, None, :]
    across = across.flip(2).where(flip[:, None, None], across)
    size = len(x), *x.shape[2:]
    grid = torch.stack((across.expand(size), down.expand(size)), 3)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)


def _places(start: Tensor, length: Tensor, size: int) -> Tensor:
    """Where the pixels of a side come from: middles of pixels, -1 and 1 the picture's edges."""
    at = (torch.arange(size, device=start.device) + 0.5) * (length / size)[:, None] - 0.5
    inside = torch.minimum(at.clamp(min=0), (length - 1)[:, None]) + start[:, None]
    return (2 * inside + 1) / size - 1
