"""Gaussian blur, each picture with its own width."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def blur(x: Float[Tensor, " B C H W"], sigma: Float[Tensor, " B"], size: int) -> Float[Tensor, " B C H W"]:
    """Blur pictures; beyond its edge a picture is reflected.

    Parameters
    ----------
    x
        Pictures.
    sigma
        Standard deviations in pixels; 0 leaves a picture as it is.
    size
        Pixels on a side of the kernel, odd; half of it is less than the picture's sides.
    """
    n, c, height, width = x.shape
    reach = size // 2
    steps = torch.arange(-reach, reach + 1, device=x.device)
    weights = torch.exp(-0.5 * (steps / sigma.clamp(min=1e-3)[:, None]) ** 2)
    weights = (weights / weights.sum(1, keepdim=True)).repeat_interleave(c, 0)
    # A channel is a group of its own, so that one convolution serves all pictures, first along rows, then columns.
    padded = functional.pad(x, (reach,) * 4, mode="reflect").reshape(1, n * c, height + 2 * reach, width + 2 * reach)
    rows = functional.conv2d(padded, weights[:, None, None, :], groups=n * c)
    return functional.conv2d(rows, weights[:, None, :, None], groups=n * c).reshape(x.shape)
