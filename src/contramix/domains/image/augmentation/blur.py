"""Blur images, each with its own standard deviation."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def blur(x: Float[Tensor, " B C H W"], sigma: Float[Tensor, " B"], size: int) -> Float[Tensor, " B C H W"]:
    """Apply a Gaussian blur to images, with reflect padding at the edges.

    Parameters
    ----------
    x
        Images.
    sigma
        Standard deviation for each image, in pixels; an image with 0 is not changed.
    size
        Side of the square kernel in pixels, an odd number. Half of it must be less than the shorter side of the images.
    """
    n, c, height, width = x.shape
    reach = size // 2
    steps = torch.arange(-reach, reach + 1, device=x.device)
    weights = torch.exp(-0.5 * (steps / sigma.clamp(min=1e-3)[:, None]) ** 2)
    weights = (weights / weights.sum(1, keepdim=True)).repeat_interleave(c, 0)
    # Each channel is a group: a single convolution along rows, and one along columns, then blur all images.
    padded = functional.pad(x, (reach,) * 4, mode="reflect").reshape(1, n * c, height + 2 * reach, width + 2 * reach)
    rows = functional.conv2d(padded, weights[:, None, None, :], groups=n * c)
    return functional.conv2d(rows, weights[:, None, :, None], groups=n * c).reshape(x.shape)
