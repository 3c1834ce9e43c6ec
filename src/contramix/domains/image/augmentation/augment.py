"""The changes that keep what a picture shows, as SimCLR, MoCo v2 and i-Mix use them."""

from typing import Annotated

import torch
from jaxtyping import Float
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError
from torch import Tensor

from contramix.domains.image.augmentation.blur import blur
from contramix.domains.image.augmentation.colour import grey, jitter_
from contramix.domains.image.augmentation.crop import enlarge, random_boxes
from contramix.settings import Settings, as_tuple

Probability = Annotated[float, Field(ge=0, le=1)]


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if 0 < value[0] <= value[1]:
        return value
    raise PydanticCustomError("rising", "should be two numbers above 0, the smaller one first")


def _odd(value: int) -> int:
    if value % 2:
        return value
    raise PydanticCustomError("odd", "should be an odd number")


Range = Annotated[tuple[float, float], BeforeValidator(as_tuple), AfterValidator(_rising)]
Parts = Annotated[tuple[Probability, Probability], BeforeValidator(as_tuple), AfterValidator(_rising)]


class ImageAugment(Settings):
    """Crop, mirror, jitter of colours, grey, blur; the defaults are i-Mix's and SimCLR's for CIFAR.

    For pictures of 96 pixels and more the papers add ``blur = 0.5``. On pictures of one channel, saturation, hue and
    grey do nothing.

    Parameters
    ----------
    crop_scale
        The crop's part of the area; (1, 1) with ``crop_ratio`` (1, 1) switches it off.
    crop_ratio
        Its width by its height.
    flip
        Probability of mirroring left and right.
    jitter
        Probability that a picture's colours are changed.
    brightness, contrast, saturation
        Factors are drawn from 1 - s to 1 + s, and from 0 at least.
    hue
        Turns of the colour circle are drawn from -hue to hue.
    grey
        Probability of a grey picture.
    blur
        Probability of Gaussian blur.
    blur_sigma
        Its standard deviation in pixels is drawn between these.
    blur_size
        Pixels on a side of its kernel, odd; left out: about a tenth of the picture's, and 3 at least.

    Examples
    --------
    >>> import torch
    >>> x = torch.rand(4, 3, 32, 32)
    >>> ImageAugment()(x, torch.Generator().manual_seed(0)).shape
    torch.Size([4, 3, 32, 32])
    """

    crop_scale: Parts = (0.2, 1.0)
    crop_ratio: Range = (3 / 4, 4 / 3)
    flip: Probability = 0.5
    jitter: Probability = 0.8
    brightness: float = Field(default=0.4, ge=0)
    contrast: float = Field(default=0.4, ge=0)
    saturation: float = Field(default=0.4, ge=0)
    hue: float = Field(default=0.1, ge=0, le=0.5)
    grey: Probability = 0.2
    blur: Probability = 0.0
    blur_sigma: Range = (0.1, 2.0)
    blur_size: Annotated[int, Field(ge=1), AfterValidator(_odd)] | None = None

    def __call__(self, x: Float[Tensor, " B C H W"], generator: torch.Generator) -> Float[Tensor, " B C H W"]:
        """Change each picture in its own way.

        Parameters
        ----------
        x
            Pictures in [0, 1]; they are not changed in place.
        generator
            Where all draws come from, on the device of ``x``.
        """
        x = self._cropped(x, generator)  # new memory, so the rest may work in place
        if self.jitter and any((self.brightness, self.contrast, self.saturation, self.hue)):
            self._jitter_(x, generator)
        if self.grey and x.shape[1] == 3:
            x.lerp_(grey(x), _chosen(x, self.grey, generator).to(x.dtype)[:, None, None, None])
        return self._blurred(x, generator) if self.blur else x

    def _cropped(self, x: Tensor, generator: torch.Generator) -> Tensor:
        flip = _chosen(x, self.flip, generator)
        if self.crop_scale == self.crop_ratio == (1, 1):
            return torch.lerp(x, x.flip(3), flip.to(x.dtype)[:, None, None, None])
        return enlarge(x, random_boxes(x, self.crop_scale, self.crop_ratio, generator), flip)

    def _jitter_(self, x: Tensor, generator: torch.Generator) -> None:
        chosen = _chosen(x, self.jitter, generator)
        strengths = self.brightness, self.contrast, self.saturation if x.shape[1] == 3 else 0.0
        factors = torch.stack([_between(x, max(0.0, 1 - s), 1 + s, generator).where(chosen, 1) for s in strengths], 1)
        turn = _between(x, -self.hue, self.hue, generator).where(chosen, 0) if self.hue and x.shape[1] == 3 else None
        # An order of four is an order of the three blends, and the hue's place among them.
        order = torch.rand(len(x), 3, generator=generator, device=x.device).argsort(1)
        place = torch.randint(4, (len(x),), generator=generator, device=x.device)
        jitter_(x, factors, turn, order, place)

    def _blurred(self, x: Tensor, generator: torch.Generator) -> Tensor:
        side = min(x.shape[2:])
        size = min(self.blur_size or max(3, side // 20 * 2 + 1), 2 * side - 1)
        sigma = _between(x, *self.blur_sigma, generator).where(_chosen(x, self.blur, generator), 0)
        return blur(x, sigma, size)


def _chosen(x: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    return torch.rand(len(x), generator=generator, device=x.device) < probability


def _between(x: Tensor, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(len(x), generator=generator, device=x.device)
