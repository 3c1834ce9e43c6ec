"""How images are read and augmented: the recipe's section ``image``."""

from typing import Annotated, Literal

from pydantic import Field

from contramix.domains.image.augmentation.augment import ImageAugment
from contramix.settings import Settings


class ImageSettings(Settings):
    """How images are read and augmented.

    Parameters
    ----------
    size
        Pixels of a side. ``"auto"``: the images' own size where they share one of at most 96 pixels, else 64. Other
        images are resized and cropped to their middle.
    channels
        1 for grey, 3 for RGB. ``"auto"``: grey if all images are.
    augment
        The changes that keep what an image shows.
    """

    size: Literal["auto"] | Annotated[int, Field(ge=8, le=1024)] = "auto"
    channels: Literal["auto", 1, 3] = "auto"
    augment: ImageAugment = Field(default_factory=ImageAugment)
