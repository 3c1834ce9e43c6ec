"""List and read the members of zip and tar archives without extracting them to disk."""

import bz2
import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from io import BufferedIOBase
from threading import Lock
from typing import BinaryIO, cast

from contramix.errors import InputError, first_line, printable
from contramix.io.media.media_file import MAX_FILE_BYTES, MediaFile, UnreadableFileError, check_size

ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""Lower-case extensions of the supported archives."""
MAX_MEMBERS = 20_000_000
"""Maximum number of members of an archive."""
MAX_RATIO = 100
"""Maximum ratio of unpacked to packed bytes. A higher ratio indicates a decompression bomb."""
FREE_BYTES = 256 << 20
"""Unpacked size in bytes up to which ``MAX_RATIO`` is not checked."""
MAX_HELD_BYTES = 8 << 30
"""Maximum size in bytes of the files of a compressed tar. It has no random access, so they are kept in memory."""

_BROKEN = (OSError, EOFError, ValueError, IndexError, KeyError, zipfile.BadZipFile, tarfile.TarError, zlib.error,
           lzma.LZMAError, NotImplementedError, RuntimeError, OverflowError)  # fmt: skip
_UNPACK: dict[bytes, Callable[[str], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]] = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZ": bz2.BZ2File,
    b"\xfd7": lzma.LZMAFile,
}


def is_archive(name: str) -> bool:
    """Return whether a file name has the extension of a supported archive."""
    return name.lower().endswith(ENDINGS)


def list_members(path: str, wanted: Callable[[str], bool]) -> list[MediaFile]:
    """List the files in a zip or tar archive, in the order of the archive.

    The contents of files are read when they are needed. Those of a compressed tar are read now and kept in memory.

    Parameters
    ----------
    path
        The archive. Its format is detected from its first bytes.
    wanted
        Function that takes the path of a file within the archive and returns whether to list it.

    Returns
    -------
    list of MediaFile
        The files, without links and devices. If several files have the same name, only the last is listed.

    Raises
    ------
    InputError
        If the archive is damaged, or looks like a decompression bomb.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(4)
        if not head:
            raise InputError(f"{printable(path)}: empty file (0 bytes)")
        if head[:2] == b"PK":
            found = _in_zip(path, wanted)
        elif head[:2] in _UNPACK:
            found = _in_packed_tar(path, head[:2], wanted)
        else:
            found = _in_tar(path, wanted)
        return list({item.name: item for item in found}.values())  # of duplicate names the last wins, as in tar
    except InputError:
        raise
    except _BROKEN as error:
        message = first_line(error, 120) or type(error).__name__
        raise InputError(f"{printable(path)}: the archive is truncated or damaged ({message}): copy it again") from None


def clean_member_name(name: str) -> str:
    """Convert the name of an archive member to a relative path without ``.``, ``..`` and control characters."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    joined = "/".join(parts)
    return joined if joined.isprintable() else printable(joined)


class _Zip:
    """Read members of a zip archive from several threads at once.

    A lock guards opening and closing members, because zipfile does not make these thread-safe.
    """

    def __init__(self, path: str) -> None:
        self._zip = zipfile.ZipFile(path)
        self._lock = Lock()
        self.infos = self._zip.infolist()

    def read(self, info: zipfile.ZipInfo) -> bytes:
        check_size(info.file_size)
        try:
            with self._lock:
                member = self._zip.open(info)
            try:
                data = member.read()
            finally:
                with self._lock:
                    member.close()
        except _BROKEN as error:
            raise UnreadableFileError(_why(error)) from None
        if len(data) < info.file_size:
            raise UnreadableFileError(f"truncated in the archive: {len(data)} of {info.file_size} bytes")
        return data


def _why(error: BaseException) -> str:
    message = str(error)
    if "password" in message or "encrypted" in message:
        return "encrypted in the archive"
    return f"damaged in the archive ({printable(message.partition(chr(10))[0], 60)})"


def _in_zip(path: str, wanted: Callable[[str], bool]) -> Iterator[MediaFile]:
    archive = _Zip(path)
    check_expansion(path, len(archive.infos), sum(info.file_size for info in archive.infos), os.path.getsize(path))
    for info in archive.infos:
        link = (info.external_attr >> 16) & 0o170000 == 0o120000
        name = clean_member_name(info.filename)
        if not info.is_dir() and not link and wanted(name):
            yield MediaFile(name, partial(archive.read, info), member_address("zip", info.filename, path))


def _in_tar(path: str, wanted: Callable[[str], bool]) -> Iterator[MediaFile]:
    with open(path, "rb") as file:
        file.seek(-min(512, os.path.getsize(path)), os.SEEK_END)
        if any(file.read()):  # tarfile reads truncated archives without an error
            raise tarfile.ReadError("no end mark")
    with tarfile.open(path, "r:") as archive:
        for number, member in enumerate(archive):
            check_expansion(path, number, 0, 1)
            name = clean_member_name(member.name)
            if member.isreg() and not member.issparse() and wanted(name):
                read = partial(_read_range, path, member.offset_data, member.size)
                yield MediaFile(name, read, member_address("tar", member.name, path))


def _in_packed_tar(path: str, head: bytes, wanted: Callable[[str], bool]) -> Iterator[MediaFile]:
    size = os.path.getsize(path)
    held = declared = 0
    with _UNPACK[head](path) as plain:
        guarded = cast(BinaryIO, _BombGuard(plain, path, size))
        with tarfile.open(fileobj=guarded, mode="r|") as archive:
            for number, member in enumerate(archive):
                declared += member.size
                check_expansion(path, number, declared, size)
                name = clean_member_name(member.name)
                if not member.isreg() or member.issparse() or not wanted(name):
                    continue
                if member.size > MAX_FILE_BYTES:
                    yield MediaFile(name, partial(_refuse, member.size))
                    continue
                held += member.size
                if held > MAX_HELD_BYTES:
                    raise InputError(
                        f"{printable(path)}: holds more than {MAX_HELD_BYTES >> 30} GiB of files, which a compressed "
                        "tar must keep in memory: unpack it into a folder, or store it as plain tar or zip"
                    )
                file = archive.extractfile(member)
                data = file.read() if file is not None else b""
                yield MediaFile(name, partial(_return_held, data))


def member_address(kind: str, member: str, path: str) -> str | None:
    """Return the address of an archive member, such as ``zip://a/1.png::/data/photos.zip``.

    Return None if the address is not valid UTF-8, or if the member's name contains ``::``.

    Parameters
    ----------
    kind
        ``zip`` or ``tar``.
    member
        Name of the member as stored in the archive.
    path
        Path of the archive.
    """
    where = f"{kind}://{member}::{os.path.abspath(path)}"
    try:
        where.encode()
    except UnicodeEncodeError:
        return None
    return where if "::" not in member else None


def _read_range(path: str, start: int, size: int) -> bytes:
    check_size(size)
    with open(path, "rb") as file:
        file.seek(start)
        data = file.read(size)
    if len(data) < size:
        raise UnreadableFileError(f"truncated in the archive: {len(data)} of {size} bytes")
    return data


def _return_held(data: bytes) -> bytes:
    check_size(len(data))
    return data


def _refuse(size: int) -> bytes:
    check_size(size)
    raise UnreadableFileError("too large")


class _BombGuard:
    """Wrap a stream that unpacks an archive, and raise InputError if it yields far more bytes than the archive's size.

    Parameters
    ----------
    stream
        The stream of unpacked bytes.
    path
        The archive, for the error message.
    packed
        Size of the archive in bytes.
    """

    def __init__(self, stream: BufferedIOBase, path: str, packed: int) -> None:
        self._stream = stream
        self._path = path
        self._packed = packed
        self._total = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._total += len(data)
        check_expansion(self._path, 0, self._total, self._packed)
        return data


def check_expansion(path: str, count: int, total: int, packed: int) -> None:
    """Check that an archive is not a decompression bomb (a small file that unpacks to an enormous size).

    Parameters
    ----------
    path
        The archive, for the error message.
    count
        Number of members of the archive; 0 to check only the sizes.
    total
        Total size in bytes of the unpacked members.
    packed
        Size of the archive in bytes.

    Raises
    ------
    InputError
        If the archive has more than ``MAX_MEMBERS`` (20 million) members, or if ``total`` exceeds both ``FREE_BYTES``
        (256 MiB) and ``MAX_RATIO`` (100) times ``packed``.
    """
    if count > MAX_MEMBERS:
        raise InputError(f"{printable(path)}: more than {MAX_MEMBERS:,} files in one archive: split it")
    if total > FREE_BYTES and total > MAX_RATIO * packed:
        raise InputError(
            f"{printable(path)}: {packed:,} bytes would unpack to {total:,} or more: this looks like a "
            "decompression bomb; if it is not, unpack it and name the folder"
        )
