"""Augment images as SimCLR, MoCo v2 and i-Mix do: crop, flip, color jitter, grayscale and blur."""

from typing import Annotated

import torch
from jaxtyping import Float
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError
from torch import Tensor

from contramix.domains.image.augmentation.blur import blur
from contramix.domains.image.augmentation.color import grey, jitter_
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
    """Set how views of images are made. The defaults are those of i-Mix and SimCLR for CIFAR.

    For images of 96 pixels and more per side, the papers add ``blur = 0.5``. For images of one channel, saturation, hue
    and grey have no effect.

    Parameters
    ----------
    crop_scale
        Range of the area of the random crop, as a fraction of the image's area. If this and ``crop_ratio`` are (1, 1),
        images are not cropped.
    crop_ratio
        Range of the crop's aspect ratio, width divided by height.
    flip
        Probability of a horizontal flip.
    jitter
        Probability of color jitter: random changes of brightness, contrast, saturation and hue, in random order.
    brightness, contrast, saturation
        Strength s of the change. Its factor is drawn from max(0, 1 - s) to 1 + s.
    hue
        Maximum rotation of the hue, as a fraction of the color circle, in either direction.
    grey
        Probability of conversion to grayscale.
    blur
        Probability of Gaussian blur.
    blur_sigma
        Range of the standard deviation of the blur, in pixels.
    blur_size
        Side of the blur kernel in pixels, an odd number; None: about a tenth of the image's shorter side, at least 3.

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
        """Return an augmented copy of each image, with random changes drawn for each image.

        Parameters
        ----------
        x
            Images in [0, 1]; they are not changed in place.
        generator
            The generator of all random numbers, on the device of ``x``.
        """
        x = self._cropped(x, generator)  # a copy, which the rest may change in place
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
