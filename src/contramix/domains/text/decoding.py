"""Decompress and decode text files, and split them into lines."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple

from contramix.errors import printable
from contramix.io.media.archives import check_expansion
from contramix.io.media.media_file import MAX_FILE_BYTES, UnreadableFileError

_OPEN: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
COMPRESSED = (".gz", ".bz2", ".xz")
"""File name endings of the compression formats that can be read."""
_BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
_CHUNK_BYTES = 1 << 24


class DecodedText(NamedTuple):
    """Store the text of a file. ``latin`` is True if it was decoded as Latin-1 because it is not valid UTF-8."""

    text: str
    latin: bool = False


def decompress(data: bytes) -> bytes:
    """Decompress gzip, bzip2 or xz data, and return other data unchanged. The first bytes identify the format.

    Raises
    ------
    UnreadableFileError
        If the data are damaged, or expand to a suspiciously large size.
    """
    opener = _opener(data)
    if opener is None:
        return data
    chunks, total = [], 0
    try:
        with opener(BytesIO(data)) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                chunks.append(chunk)
                total += len(chunk)
                check_expansion("a compressed text", 0, total, len(data))
                if total > MAX_FILE_BYTES:
                    raise ValueError(f"more than {MAX_FILE_BYTES >> 30} GiB: split it")
    except _BROKEN as error:
        raise UnreadableFileError(f"cannot be decompressed ({printable(str(error), 120)})") from None
    return b"".join(chunks)


def read_beginning(path: str, at_most: int) -> bytes:
    """Read the first ``at_most`` bytes of a file, after decompression, and drop a line that is incomplete at the end.

    A shorter file is returned whole. The bytes are not shortened further if they contain no line break.

    Raises
    ------
    UnreadableFileError
        If compressed data are damaged.
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        opener = _opener(file.read(8))
        file.seek(0)
        try:
            data: bytes = (opener(file) if opener else file).read(at_most)
        except _BROKEN as error:
            raise UnreadableFileError(str(error)) from None
    return data if len(data) < at_most else data[: data.rfind(b"\n") + 1] or data


def _opener(data: bytes) -> Callable[..., Any] | None:
    return next((opener for magic, opener in _OPEN.items() if data.startswith(magic)), None)


def decode_text(data: bytes, encoding: str | None = None) -> DecodedText:
    """Decode bytes to text.

    Parameters
    ----------
    data
        The bytes.
    encoding
        Name of a Python codec. None: UTF-8, or Latin-1 if the bytes are not valid UTF-8.

    Raises
    ------
    UnreadableFileError
        If the bytes are not valid in ``encoding``, or hold NUL characters.
    """
    try:
        text = DecodedText(data.decode(encoding or "utf-8-sig"))
    except UnicodeError as error:
        if encoding is not None:
            raise UnreadableFileError(
                f"is not {encoding} ({printable(str(error), 120)}): name the right `encoding`"
            ) from None
        text = DecodedText(data.decode("latin-1"), latin=True)
    if "\0" in text.text:
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        raise UnreadableFileError(
            "looks like UTF-16: `encoding='utf-16'`" if wide else "holds NUL bytes, so it is not text"
        )
    return text


def split_lines(text: str) -> list[str]:
    """Split a text into lines at ``"\\n"`` and ``"\\r\\n"``, and drop blank lines at the end.

    Examples
    --------
    >>> split_lines("one\\r\\n\\ntwo\\u2028still two\\n\\n")
    ['one', '', 'two\\u2028still two']
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
