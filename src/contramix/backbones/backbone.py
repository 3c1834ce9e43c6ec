"""Define what a backbone is: a pre-trained encoder, with weights that are not changed, that returns vectors."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float32
from numpy import ndarray

from contramix.errors import InputError


@runtime_checkable
class Backbone(Protocol):
    """Compute one vector for each text or image with a pre-trained encoder.

    Attributes
    ----------
    width
        Number of elements of a vector.
    weights_sha256
        Hash of the model's files or weights.
    library
        Name and version of the library that computes the vectors.
    image_size
        Side in pixels of the square images that the backbone takes; None for texts.
    """

    width: int
    weights_sha256: str
    library: str
    image_size: int | None

    def encode(self, values: Sequence[Any], /) -> Float32[ndarray, " n d"]:
        """Return one vector per value: a text, or an RGB image as an array (3, height, width) of bytes."""


def hash_files(paths: Sequence[Path], root: Path) -> str:
    """Return the SHA-256 of the names and contents of files, as hexadecimal digits.

    Parameters
    ----------
    paths
        Files, in any order.
    root
        Folder to which names are relative.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    total = hashlib.sha256()
    for path in sorted(paths):
        try:
            with open(path, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"`backbone` {path}: cannot be read: {error.strerror or error}") from error
        total.update(f"{path.relative_to(root).as_posix()} {digest}\n".encode())
    return total.hexdigest()
