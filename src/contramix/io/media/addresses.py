"""Read a file by its address: a path, or ``zip://member::/path/archive.zip`` (also ``tar://``)."""

import os
from collections.abc import Mapping
from functools import lru_cache

from contramix.io.media.archives import list_members
from contramix.io.media.media_file import MediaFile, UnreadableFileError, read_file


def read_address(address: str) -> bytes:
    """Return the bytes of the file at an address.

    Raises
    ------
    UnreadableFileError
        If the archive no longer has the member, or it is damaged.
    OSError
        If the file no longer exists, or cannot be read.
    """
    kind, separator, rest = address.partition("://")
    if not separator or kind not in ("zip", "tar"):
        return read_file(address)
    _, _, path = rest.partition("::")
    info = os.stat(path)
    item = _members_by_address(path, info.st_mtime_ns, info.st_size).get(address)
    if item is None:
        raise UnreadableFileError("no longer in the archive")
    return item.read()


@lru_cache(maxsize=4)
def _members_by_address(path: str, changed: int, size: int) -> Mapping[str, MediaFile]:
    """Return an archive's members by address. The cache key changes when the archive does."""
    return {item.address: item for item in list_members(path, lambda name: True) if item.address is not None}
