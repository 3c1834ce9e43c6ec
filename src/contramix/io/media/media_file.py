"""Describe a media file: its name, and how its bytes are read from a folder, an archive or a table."""

import os
from collections.abc import Callable
from typing import NamedTuple

MAX_FILE_BYTES = 1 << 30
"""Maximum size of a single image or audio file."""


class UnreadableFileError(Exception):
    """Report that a file cannot be read or decoded. The text is the reason in a few words, such as ``truncated``."""


class MediaFile(NamedTuple):
    """Refer to a file in a folder or an archive, or to an encoded cell of a table.

    Parameters
    ----------
    name : str
        Path relative to the folder or archive, with ``/`` between folders; safe to print.
    read : callable
        Function that returns the bytes; raises `UnreadableFileError` or OSError.
    address : str, optional
        Address from which `contramix.io.media.addresses.read_address` reads the same bytes later. None if the bytes
        exist in memory only.
    """

    name: str
    read: Callable[[], bytes]
    address: str | None = None


def read_file(path: str) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    UnreadableFileError
        If the file is empty, or larger than ``MAX_FILE_BYTES``.
    """
    check_size(os.stat(path).st_size)
    with open(path, "rb") as file:
        return file.read()


def check_size(size: int) -> None:
    """Raise UnreadableFileError if a size in bytes is 0 or more than ``MAX_FILE_BYTES``."""
    if size == 0:
        raise UnreadableFileError("0 bytes")
    if size > MAX_FILE_BYTES:
        raise UnreadableFileError(f"{size / 2**30:.1f} GiB, the limit is {MAX_FILE_BYTES >> 30} GiB for one file")
