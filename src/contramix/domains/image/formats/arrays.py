"""Convert arrays of images: order of axes, 8-bit values, channels and size."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped, UInt8

from contramix.domains.image.size import ImageSize
from contramix.errors import InputError

_CHANNELS = (1, 3, 4)
_BATCH_SIZE = 1024


def channels_first(
    array: Shaped[np.ndarray, " ..."], source: str
) -> tuple[Shaped[np.ndarray, " n C H W"], tuple[str, ...]]:
    """Convert an array of images of shape (n, H, W), (n, H, W, C) or (n, C, H, W) to (n, C, H, W).

    If both the second and the last axis could be the channels, the last is taken. ``source`` names the array in
    messages.

    Returns
    -------
    array, notes
        The converted array, and a message for the user if the order of axes is ambiguous, else no message.

    Raises
    ------
    InputError
        If the array has another shape, no images, or a number of channels other than 1, 3 and 4.

    Examples
    --------
    >>> channels_first(np.zeros((5, 28, 28)), "x.npy")[0].shape
    (5, 1, 28, 28)
    """
    if array.ndim == 3 and array.shape[2] in (3, 4) and min(array.shape[:2]) > 4:
        raise InputError(
            f"{source}: {' x '.join(map(str, array.shape))} is one image in color: give (n, height, width, channels)"
        )
    if array.ndim == 3:
        array = array[:, None]
        notes: tuple[str, ...] = ()
    elif array.ndim != 4 or not ({array.shape[1], array.shape[3]} & {*_CHANNELS}):
        raise InputError(
            f"{source}: {' x '.join(map(str, array.shape))} is not a shape of images: give (n, height, width), "
            "(n, height, width, channels) or (n, channels, height, width) with 1, 3 or 4 channels"
        )
    else:
        last, first = array.shape[3] in _CHANNELS, array.shape[1] in _CHANNELS
        notes = (f"{source}: the last of the axes {array.shape} is taken for the channels",) if last and first else ()
        array = array.transpose(0, 3, 1, 2) if last else array
    if 0 in array.shape:
        raise InputError(f"{source}: no images, or images without pixels, in shape {array.shape}")
    return array, notes


def to_uint8(array: Shaped[np.ndarray, " *s"], source: str) -> UInt8[np.ndarray, " *s"]:
    """Convert the pixels of an array to 8 bits (0 to 255).

    Unsigned integers of 16 or 32 bits are rescaled from the range of their type. Booleans become 0 and 255. Floats are
    multiplied by 255 if none exceeds 1. All other numbers must be from 0 to 255, and are rounded. ``source`` names the
    array in error messages.

    Raises
    ------
    InputError
        If the pixels are not numbers, or are out of range.
    """
    kind = array.dtype
    if kind == np.uint8:
        return array
    if kind == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if kind.kind not in "iuf":
        raise InputError(f"{source}: pixels of type {kind}, give uint8 or float")
    low, high = float(array.min()), float(array.max())
    if kind in (np.uint16, np.uint32):
        top = int(np.iinfo(kind).max)
        return ((array.astype(np.uint64) * np.uint64(510) + np.uint64(top)) // np.uint64(2 * top)).astype(np.uint8)
    if not (low >= 0 and high <= 255):  # NaN too
        raise InputError(f"{source}: pixels from {low:g} to {high:g}, give 0..255, or floats in 0..1")
    if kind.kind == "f":
        array = np.rint(array * (255 if high <= 1 else 1))
    return array.astype(np.uint8)


def size_and_channels(array: Shaped[np.ndarray, " n C H W"]) -> tuple[int, int, int]:
    """Return the height and width of the images of an array, and 1 channel if they are grayscale, else 3.

    Images with a fourth channel, transparency, count as RGB.
    """
    return array.shape[2], array.shape[3], 1 if array.shape[1] == 1 else 3


def to_size(array: UInt8[np.ndarray, " n c h w"], size: ImageSize) -> UInt8[np.ndarray, " n C H W"]:
    """Convert images to the given size and number of channels (1 or 3).

    Images may have 1, 3 or 4 channels. The fourth is transparency, which is blended with white. Images are cropped to
    the largest centered box with the aspect ratio of ``size``, and resized with antialiasing.
    """
    if array.shape[1:] == size:
        return np.ascontiguousarray(array)
    out = np.empty((len(array), *size), np.uint8)
    for start in range(0, len(array), _BATCH_SIZE):
        part = slice(start, start + _BATCH_SIZE)
        out[part] = _center_crop_and_resize(_to_channels(array[part], size.channels), size)
    return out


def _to_channels(array: UInt8[np.ndarray, " n c h w"], channels: int) -> UInt8[np.ndarray, " n C h w"]:
    if array.shape[1] == 4:
        rgb, alpha = array[:, :3].astype(np.int32), array[:, 3:].astype(np.int32)
        array = ((rgb * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    if array.shape[1] == channels:
        return array
    if channels == 3:
        return np.repeat(array, 3, axis=1)
    weights = np.array([299, 587, 114]).reshape(1, 3, 1, 1)  # ITU-R BT.601, in thousandths
    grey = (array.astype(np.int32) * weights).sum(1, keepdims=True)
    rounded: np.ndarray = (grey + 500) // 1000
    return rounded.astype(np.uint8)


def _center_crop_and_resize(array: UInt8[np.ndarray, " n c h w"], size: ImageSize) -> Any:
    height, width = array.shape[2:]
    if (height, width) == (size.height, size.width):
        return array
    scale = min(width / size.width, height / size.height)
    tall, wide = max(1, round(scale * size.height)), max(1, round(scale * size.width))
    top, left = (height - tall) // 2, (width - wide) // 2
    middle = torch.from_numpy(np.ascontiguousarray(array[:, :, top : top + tall, left : left + wide]))
    return torch.nn.functional.interpolate(
        middle, (size.height, size.width), mode="bilinear", align_corners=False, antialias=True
    ).numpy()
