"""Learn the size and channel statistics of images, and convert images to samples."""

from collections.abc import Sequence
from functools import partial
from math import ceil
from typing import Literal

import numpy as np
import pyarrow as pa
import torch
from pydantic import Field
from torch import Tensor
from torch.utils.dlpack import from_dlpack

from contramix.domains.image.augmentation.augment import ImageAugment
from contramix.domains.image.decoding import decode
from contramix.domains.image.frontend import ImageFrontend
from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.size import CONTENT, IMAGE, ImageSize
from contramix.domains.spec import Spec
from contramix.encoders.encoder import Inputs
from contramix.errors import InputError
from contramix.io.media.encoded_records import ENCODED
from contramix.io.media.streaming import stream_samples
from contramix.samples.samples import StreamedSamples, iterate_batches

MEASURED_IMAGES = 20_000
"""Number of images, evenly spaced, that statistics are computed from if images must be decoded for it; else all are."""
MIN_STD = 1e-3
"""Standard deviation assumed for a channel that is the same in all images; the channel becomes 0."""
_BATCH_SIZE = 512


class ImageSpec(Spec):
    """Hold the size of all images, and the channel statistics of the training images.

    Parameters
    ----------
    channels, height, width
        Number of channels and size in pixels of every image.
    mean, std
        Mean and standard deviation of each channel over the pixels of the training images, scaled to [0, 1].
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

    @classmethod
    def learn(
        cls,
        table: pa.Table,
        settings: ImageSettings,
        target: str | None = None,
        extra_rows: pa.Table | None = None,
    ) -> tuple["ImageSpec", tuple[str, ...]]:
        """Learn a specification from training images: their size, and the mean and standard deviation of each channel.

        Parameters
        ----------
        table
            The training images, as the readers of this domain return them.
        settings
            The section ``image`` of the recipe.
        target
            Name of the column of labels; None if there is none.
        extra_rows
            More images from which statistics are computed, without their labels; None if there are none.

        Returns
        -------
        spec, notes
            The specification, and one-line messages for the user on channels that are the same in all images.

        Raises
        ------
        InputError
            If there are no images, or there is no column ``target``.
        """
        images = CONTENT.select(table)
        if len(images) == 0:
            raise InputError(f"the column {IMAGE!r} has no images to learn from")
        size = ImageSize.of(table) if images.type == ENCODED else ImageSize(*images.type.shape)
        if size is None or size.channels not in (1, 3):
            raise InputError(f"the column {IMAGE!r} holds no images of 1 or 3 channels: read them again")
        draft = cls(
            channels=1 if size.channels == 1 else 3,
            height=size.height,
            width=size.width,
            mean=(0.0,) * size.channels,
            std=(1.0,) * size.channels,
            augment=settings.augment,
            target=target,
            rows=len(images),
            left_out=CONTENT.left_out(table, target),
        )
        tables = [table] if extra_rows is None else [table, extra_rows]
        mean, std = _channel_statistics([draft.tensorize(one) for one in tables])
        constant = [channel for channel, value in enumerate(std) if value < MIN_STD]
        notes = tuple(f"channel {channel} is the same in all images" for channel in constant)
        return draft.model_copy(update={"mean": mean, "std": tuple(max(s, MIN_STD) for s in std)}), notes

    @property
    def size(self) -> ImageSize:
        """Return the number of channels, the height and the width of an image."""
        return ImageSize(self.channels, self.height, self.width)

    @property
    def kinds(self) -> dict[str, list[str]]:
        """Return the names of the input columns by kind, which is ``{"image": ["image"]}``."""
        return {"image": [IMAGE]}

    @property
    def summary(self) -> str:
        """Describe the size of an image, and whether it is grayscale or RGB, in a few words."""
        return f"{self.height} x {self.width} pixels, {'grayscale' if self.channels == 1 else 'RGB'}"

    def tensorize(self, table: pa.Table, first_row: int = 0) -> Tensor | StreamedSamples:
        """Convert the images of a table to uint8 samples (n, C, H, W). ``first_row`` is not used.

        The result is a tensor if the table holds decoded images. If it refers to encoded files, the result decodes them
        on access.

        Raises
        ------
        InputError
            If the table has no column of images, or the images have another size or number of channels than those of
            training.
        """
        images = CONTENT.select(table)
        if images.type == ENCODED:
            return stream_samples(images, partial(decode, size=self.size), self.size, torch.uint8)
        found = ImageSize(*images.type.shape)
        if found != self.size:
            raise InputError(
                f"the images are {found} (channels x height x width), the model was trained on {self.size}: "
                "read them with the model, or resize them"
            )
        pixels = images.combine_chunks().storage.flatten()
        shape = (len(images), *self.size)
        return from_dlpack(pixels).reshape(shape) if len(images) else torch.empty(shape, dtype=torch.uint8)

    def inputs(self) -> Inputs:
        """Return the shape (channels, height, width) of an image, and mean and standard deviation of each channel."""
        return Inputs(tuple(self.size), mean=self.mean, std=self.std)

    def frontend(self) -> ImageFrontend:
        """Return the torch module that converts images from bytes to [0, 1], and that makes augmented views of them."""
        return ImageFrontend(self.augment)


def _channel_statistics(samples: Sequence[Tensor | StreamedSamples]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Compute the mean and the standard deviation of each channel, with pixels scaled to [0, 1].

    Sums are computed in integers. They are therefore exact, and do not depend on the order of images. If images must be
    decoded for it and there are more than 20,000, a subset that is evenly spaced over the rows is used.
    """
    step = 1
    if any(isinstance(x, StreamedSamples) for x in samples):
        step = max(1, ceil(sum(map(len, samples)) / MEASURED_IMAGES))
    channels = samples[0].shape[1]
    total, squares = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    count = 0
    for x in samples:
        for batch in iterate_batches(x, torch.split(torch.arange(0, len(x), step), _BATCH_SIZE)):
            pixels = batch.numpy()
            total += pixels.sum((0, 2, 3), dtype=np.int64)
            squares += np.square(pixels, dtype=np.uint16).sum((0, 2, 3), dtype=np.int64)
            count += pixels.size // channels
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0)
    return tuple((mean / 255).tolist()), tuple((np.sqrt(variance) / 255).tolist())
