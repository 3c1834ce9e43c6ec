"""Learn a specification from images: their size, and the mean and deviation of each channel."""

from collections.abc import Sequence
from math import ceil

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.size import IMAGE, Form
from contramix.domains.image.spec import ImageSpec, images_of
from contramix.domains.spec import left_out
from contramix.errors import InputError
from contramix.io.media.encoded_records import ENCODED
from contramix.samples.samples import StreamedSamples, iterate_batches

MEASURED = 20_000
"""Images, evenly spaced, that give mean and deviation where they must be decoded for it; else all do."""
LEAST_STD = 1e-3
"""Stands for the deviation of a channel that is the same everywhere: such a channel becomes 0."""
_AT_ONCE = 512


def describe(
    table: pa.Table, settings: ImageSettings, target: str | None = None, also: pa.Table | None = None
) -> tuple[ImageSpec, tuple[str, ...]]:
    """Learn from training images, and from those of ``also`` if given; with notes.

    Raises
    ------
    InputError
        There are no images, or no column ``target``.
    """
    images = images_of(table)
    if len(images) == 0:
        raise InputError(f"the column {IMAGE!r} has no images to learn from")
    form = Form.of(table) if images.type == ENCODED else Form(*images.type.shape)
    if form is None or form.channels not in (1, 3):
        raise InputError(f"the column {IMAGE!r} holds no images of 1 or 3 channels: read them again")
    draft = ImageSpec(
        channels=1 if form.channels == 1 else 3,
        height=form.height,
        width=form.width,
        mean=(0.0,) * form.channels,
        std=(1.0,) * form.channels,
        augment=settings.augment,
        target=target,
        rows=len(images),
        left_out=left_out(table, IMAGE, target, "is no image"),
    )
    mean, std = _moments([draft.tensorize(one) for one in ([table] if also is None else [table, also])])
    flat = [channel for channel, value in enumerate(std) if value < LEAST_STD]
    notes = tuple(f"channel {channel} is the same in all images: it says nothing" for channel in flat)
    return draft.model_copy(update={"mean": mean, "std": tuple(max(s, LEAST_STD) for s in std)}), notes


def _moments(samples: Sequence[Tensor | StreamedSamples]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel in [0, 1]: from whole-number sums, so exact and in any order."""
    step = 1
    if any(isinstance(x, StreamedSamples) for x in samples):
        step = max(1, ceil(sum(map(len, samples)) / MEASURED))
    channels = samples[0].shape[1]
    total, squares = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    count = 0
    for x in samples:
        for block in iterate_batches(x, torch.split(torch.arange(0, len(x), step), _AT_ONCE)):
            pixels = block.numpy()
            total += pixels.sum((0, 2, 3), dtype=np.int64)
            squares += np.square(pixels, dtype=np.uint16).sum((0, 2, 3), dtype=np.int64)
            count += pixels.size // channels
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0)
    return tuple((mean / 255).tolist()), tuple((np.sqrt(variance) / 255).tolist())
