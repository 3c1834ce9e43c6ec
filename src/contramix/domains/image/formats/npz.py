"""Pictures in npy and npz files: ``images`` and ``labels``, ``x_train`` and ``y_test``, and names like these."""

import os

from contramix.domains.image.formats.labelled_arrays import Labelled
from contramix.io.media import array_files
from contramix.io.media.array_files import ENDINGS

__all__ = ["ENDINGS", "means_images", "read_npz"]

_IMAGES = ("images", "image", "imgs", "x", "data")


def read_npz(path: str | os.PathLike[str]) -> tuple[list[Labelled], tuple[str, ...]]:
    """The parts that the arrays of a file form, with notes on what was left out.

    Arrays of pictures are called ``images``, ``x`` or ``data``; see :func:`contramix.io.media.array_files.read_arrays`.

    Raises
    ------
    InputError
        The file is damaged, holds Python objects, or no array of pictures.
    """
    parts, notes = array_files.read_arrays(path, _IMAGES, "images")
    return [Labelled(*part) for part in parts], notes


def means_images(key: str) -> bool:
    """Whether an array of this name is pictures."""
    return array_files.parse_array_name(key, _IMAGES)[1] == "content"
