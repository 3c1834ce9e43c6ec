"""Read files by their address: a path, or ``zip://member::/path/archive.zip`` (also ``tar://``)."""

import os
from collections.abc import Mapping
from functools import lru_cache

from contramix.io.media.archives import list_members
from contramix.io.media.media_file import MediaFile, UnreadableFileError, read_file


def read_address(address: str) -> bytes:
    """Return the bytes of the file, or of the archive member, with the given address.

    Parameters
    ----------
    address
        A path, or the address of a member: ``zip://member::/path/archive.zip`` or ``tar://member::/path/archive.tar``.

    Raises
    ------
    UnreadableFileError
        If the file or member is empty, damaged or too large, or if the archive has no such member.
    InputError
        If the archive itself is damaged.
    OSError
        If the file or archive does not exist or cannot be read.
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
    """Return a dictionary from the address of each archive member to the member.

    The results for the last four archives are cached. The arguments are the cache key; the modification time
    ``changed`` and the ``size`` of the archive are not used otherwise.
    """
    return {item.address: item for item in list_members(path, lambda name: True) if item.address is not None}
