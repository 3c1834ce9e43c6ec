"""Represent an image or audio file, wherever it is stored: in a folder, in an archive, or in a cell of a table."""

import os
from collections.abc import Callable
from typing import NamedTuple

MAX_FILE_BYTES = 1 << 30
"""Maximum size of a single image or audio file in bytes."""


class UnreadableFileError(Exception):
    """Report that an image or audio file cannot be read or decoded. The message is a reason such as ``truncated``."""


class MediaFile(NamedTuple):
    """Refer to an encoded image or audio file in a folder, in an archive, or in a cell of a table.

    Parameters
    ----------
    name : str
        Path relative to the folder or archive, with ``/`` between folders. It is safe to print.
    read : callable
        Function without arguments that returns the bytes of the file, or raises `UnreadableFileError` or OSError.
    address : str, optional
        Address for `contramix.io.media.addresses.read_address`, which reads the same bytes in a later process. None if
        the bytes can only be read by ``read``.
    """

    name: str
    read: Callable[[], bytes]
    address: str | None = None


def read_file(path: str) -> bytes:
    """Return the bytes of an image or audio file.

    Raises
    ------
    UnreadableFileError
        If the file is empty, or larger than ``MAX_FILE_BYTES`` (1 GiB).
    OSError
        If the file does not exist or cannot be read.
    """
    check_size(os.stat(path).st_size)
    with open(path, "rb") as file:
        return file.read()


def check_size(size: int) -> None:
    """Check the size of an image or audio file in bytes.

    Raises
    ------
    UnreadableFileError
        If the size is 0 or more than ``MAX_FILE_BYTES`` (1 GiB).
    """
    if size == 0:
        raise UnreadableFileError("0 bytes")
    if size > MAX_FILE_BYTES:
        raise UnreadableFileError(f"{size / 2**30:.1f} GiB, the limit is {MAX_FILE_BYTES >> 30} GiB for one file")
