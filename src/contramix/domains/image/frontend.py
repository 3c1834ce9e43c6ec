"""Convert stored images to an encoder's input, clean or augmented."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from contramix.domains.image.augmentation.augment import ImageAugment
from contramix.encoders.frontend import Front


class ImageFrontend(Front):
    """Convert images from bytes to floats in [0, 1], and make augmented views of them.

    Floats are assumed to be in [0, 1] already.

    Parameters
    ----------
    augmentation
        Settings of the augmentation that makes views; None for the defaults.

    Examples
    --------
    >>> ImageFrontend()(torch.tensor([[[[0, 255]]]], dtype=torch.uint8)).tolist()
    [[[[0.0, 1.0]]]]
    """

    def __init__(self, augmentation: ImageAugment | None = None) -> None:
        super().__init__()
        self.augmentation = augmentation or ImageAugment()

    def forward(self, raw: Shaped[Tensor, " B C H W"]) -> Float[Tensor, " B C H W"]:
        """Convert images to floats in [0, 1], without augmentation; keep the shape."""
        return raw if raw.is_floating_point() else raw.to(torch.float32).div_(255)

    def augment(self, raw: Shaped[Tensor, " B C H W"], generator: torch.Generator) -> Float[Tensor, " B C H W"]:
        """Return one augmented view of each image, with random changes drawn for each image."""
        return self.augmentation(self(raw), generator)
