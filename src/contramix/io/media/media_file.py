"""One file of media: its name, and how its bytes are read, wherever they lie."""

import os
from collections.abc import Callable
from typing import NamedTuple

MAX_FILE_BYTES = 1 << 30
"""A single image or clip that is larger than this is refused."""


class UnreadableFileError(Exception):
    """A file that cannot be decoded; its text is the reason in a few words, such as ``truncated``."""


class MediaFile(NamedTuple):
    """A file in a folder or an archive, or a cell of a table.

    Parameters
    ----------
    name : str
        Relative to what was read, with ``/`` between folders; safe to print.
    read : callable
        Gives the bytes; raises `UnreadableFileError` or OSError.
    address : str, optional
        An address from which `contramix.io.media.addresses.read_address` reads the same bytes later;
        None where they lie in memory only.
    """

    name: str
    read: Callable[[], bytes]
    address: str | None = None


def read_file(path: str) -> bytes:
    """The bytes of a regular file.

    Raises
    ------
    UnreadableFileError
        It is empty, or larger than any single image or clip.
    """
    check_size(os.stat(path).st_size)
    with open(path, "rb") as file:
        return file.read()


def check_size(size: int) -> None:
    """Raise UnreadableFileError for 0 bytes, and for more than a single image or clip has."""
    if size == 0:
        raise UnreadableFileError("0 bytes")
    if size > MAX_FILE_BYTES:
        raise UnreadableFileError(f"{size / 2**30:.1f} GiB, the limit is {MAX_FILE_BYTES >> 30} GiB for one file")
