"""What was learned of images: size, channels, and the mean and deviation of each channel. Half of a saved model."""

from functools import partial
from typing import Literal

import pyarrow as pa
import torch
from pydantic import Field
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from contramix.domains.image.augmentation.augment import ImageAugment
from contramix.domains.image.decoding import decode
from contramix.domains.image.frontend import ImageFront
from contramix.domains.image.size import IMAGE, Form
from contramix.domains.spec import Spec
from contramix.encoders.encoder import Inputs
from contramix.errors import InputError
from contramix.io.media.encoded_records import ENCODED
from contramix.io.media.streaming import stream_samples
from contramix.samples.samples import StreamedSamples


class ImageSpec(Spec):
    """One size for all images, and what was learned of the training images only.

    Parameters
    ----------
    channels, height, width
        Of every image.
    mean, std
        Of each channel, in [0, 1].
    augment
        How views are made.

    Examples
    --------
    >>> spec = ImageSpec(rows=2, channels=1, height=28, width=28, mean=(0.5,), std=(0.2,))
    >>> spec.inputs().shape
    (1, 28, 28)
    """

    domain: Literal["image"] = "image"
    format_version: Literal[1] = 1
    channels: Literal[1, 3]
    height: int = Field(ge=1)
    width: int = Field(ge=1)
    mean: tuple[float, ...]
    std: tuple[float, ...]
    augment: ImageAugment = Field(default_factory=ImageAugment)

    @property
    def size(self) -> Form:
        """Channels, height and width."""
        return Form(self.channels, self.height, self.width)

    @property
    def kinds(self) -> dict[str, list[str]]:
        """The column of images."""
        return {"image": [IMAGE]}

    @property
    def form(self) -> str:
        """Size and colours of an image."""
        return f"{self.height} x {self.width} pixels, {'grey' if self.channels == 1 else 'RGB'}"

    def tensorize(self, table: pa.Table) -> Tensor | StreamedSamples:
        """Images as uint8 (n, C, H, W), or decoded when they are asked for.

        Raises
        ------
        InputError
            If there are no images, or they have another size or other channels.
        """
        images = images_of(table)
        if images.type == ENCODED:
            return stream_samples(images, partial(decode, form=self.size), self.size, torch.uint8)
        there = Form(*images.type.shape)
        if there != self.size:
            raise InputError(
                f"the images are {there} (channels x height x width), the model was trained on {self.size}: "
                "read them with the model, or resize them"
            )
        pixels = images.combine_chunks().storage.flatten()
        shape = (len(images), *self.size)
        return from_dlpack(pixels).reshape(shape) if len(images) else torch.empty(shape, dtype=torch.uint8)

    def inputs(self) -> Inputs:
        """Channels, rows, columns."""
        return Inputs(tuple(self.size), mean=self.mean, std=self.std)

    def front(self) -> ImageFront:
        """The way from bytes to [0, 1], clean or augmented."""
        return ImageFront(self.augment)


def images_of(table: pa.Table) -> pa.ChunkedArray:
    """The column of images.

    Raises
    ------
    InputError
        There is none, or it holds something else.
    """
    if IMAGE not in table.column_names:
        raise InputError(f"there is no column {IMAGE!r}: read image files, or give arrays of images")
    images = table.column(IMAGE)
    decoded = isinstance(images.type, pa.FixedShapeTensorType) and images.type.value_type == pa.uint8()
    if not (decoded and len(images.type.shape) == 3) and images.type != ENCODED:
        raise InputError(f"the column {IMAGE!r} holds {images.type}, not images: read it from image files")
    if images.null_count:
        raise InputError(f"the column {IMAGE!r} has {images.null_count:,} rows without an image")
    return images
