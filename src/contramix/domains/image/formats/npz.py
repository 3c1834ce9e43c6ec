"""Read images from npy and npz files."""

import os

from contramix.io.media import array_files
from contramix.io.media.array_files import ENDINGS, LabeledArray

__all__ = ["ENDINGS", "is_images_name", "read_npz"]

_NAMES = ("images", "image", "imgs", "x", "data")
"""Names of arrays of images, in order of preference."""


def read_npz(path: str | os.PathLike[str]) -> tuple[list[LabeledArray], tuple[str, ...]]:
    """Read an npy or npz file of images, and return one array per official split, with its labels.

    Arrays called ``images``, ``image``, ``imgs``, ``x`` or ``data`` hold images, also with the name of a split, such as
    ``x_train``. The rules for names are those of :func:`contramix.io.media.array_files.read_arrays`.

    Returns
    -------
    arrays, notes
        The arrays, and one-line messages for the user on arrays that were left out.

    Raises
    ------
    InputError
        If the file is damaged, holds Python objects, or has no array of images.
    """
    return array_files.read_arrays(path, _NAMES, "images")


def is_images_name(name: str) -> bool:
    """Return whether the name of an array in an npz file is one for images, such as ``images`` or ``x_train``."""
    return array_files.parse_array_name(name, _NAMES)[1] == "content"
