"""Read a file again by its address: a path, or ``zip://member::/path/archive.zip`` (also ``tar://``)."""

import os
from collections.abc import Mapping
from functools import lru_cache

from contramix.io.media.archives import list_members
from contramix.io.media.media_file import MediaFile, UnreadableFileError, read_file


def read_address(where: str) -> bytes:
    """The bytes at an address.

    Raises
    ------
    UnreadableFileError
        They cannot be decoded, or the archive has no such member any more.
    OSError
        The file is gone, or cannot be read.
    """
    kind, separator, rest = where.partition("://")
    if not separator or kind not in ("zip", "tar"):
        return read_file(where)
    _, _, path = rest.partition("::")
    facts = os.stat(path)
    item = _index(path, facts.st_mtime_ns, facts.st_size).get(where)
    if item is None:
        raise UnreadableFileError("no longer in the archive")
    return item.read()


@lru_cache(maxsize=4)
def _index(path: str, changed: int, size: int) -> Mapping[str, MediaFile]:
    """An archive's members by address; made again when the archive has changed."""
    return {item.address: item for item in list_members(path, lambda name: True) if item.address is not None}
