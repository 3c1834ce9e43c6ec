"""Read images from npy and npz files."""

import os

from contramix.io.media import array_files
from contramix.io.media.array_files import ENDINGS, LabeledArray

__all__ = ["ENDINGS", "is_images_name", "read_npz"]

_NAMES = ("images", "image", "imgs", "x", "data")
"""Names of arrays of images, in order of preference."""


def read_npz(path: str | os.PathLike[str]) -> tuple[list[LabeledArray], tuple[str, ...]]:
    """Read the arrays of images of a file, one per split, with notes on what was left out.

    Arrays of images are called ``images``, ``x`` or ``data``; see :func:`contramix.io.media.array_files.read_arrays`.

    Raises
    ------
    InputError
        If the file is damaged, holds Python objects, or no array of images.
    """
    return array_files.read_arrays(path, _NAMES, "images")


def is_images_name(name: str) -> bool:
    """Return whether an array of this name in an npz file is images."""
    return array_files.parse_array_name(name, _NAMES)[1] == "content"
