"""Define how images are read and augmented: the section ``image`` of a recipe."""

from typing import Annotated, Literal

from pydantic import Field

from contramix.domains.image.augmentation.augment import ImageAugment
from contramix.settings import Settings


class ImageSettings(Settings):
    """Set how images are read and augmented.

    Parameters
    ----------
    size
        Side in pixels of the square to which images are resized and center-cropped. ``"auto"``: the size of the images
        if all have the same size and no side is longer than 96 pixels, else 64.
    channels
        1 for grayscale, 3 for RGB. ``"auto"``: 1 if all images are grayscale, else 3.
    augment
        How views are made, for recipes that use augmentation.
    """

    size: Literal["auto"] | Annotated[int, Field(ge=8, le=1024)] = "auto"
    channels: Literal["auto", 1, 3] = "auto"
    augment: ImageAugment = Field(default_factory=ImageAugment)
