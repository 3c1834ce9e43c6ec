"""From a file's bytes to text: unpacked, in UTF-8 or else Latin-1, in lines."""

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
PACKED = (".gz", ".bz2", ".xz")
_BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
_PIECE = 1 << 24


class Text(NamedTuple):
    """What a file says, and whether it had to be taken for Latin-1."""

    text: str
    latin: bool = False


def unpacked(data: bytes) -> bytes:
    """Bytes with gzip, bzip2 or xz undone, whatever the file is called.

    Raises
    ------
    UnreadableFileError
        They are damaged, or unpack to far more than text does.
    """
    opener = _opener(data)
    if opener is None:
        return data
    pieces, total = [], 0
    try:
        with opener(BytesIO(data)) as stream:
            while piece := stream.read(_PIECE):
                pieces.append(piece)
                total += len(piece)
                check_expansion("a packed text", 0, total, len(data))
                if total > MAX_FILE_BYTES:
                    raise ValueError(f"more than {MAX_FILE_BYTES >> 30} GiB: split it")
    except _BROKEN as error:
        raise UnreadableFileError(f"cannot be unpacked ({printable(str(error), 120)})") from None
    return b"".join(pieces)


def beginning(path: str, at_most: int) -> bytes:
    """The first bytes of a file, unpacked, up to the last end of a line among them.

    Raises
    ------
    UnreadableFileError
        They are damaged.
    OSError
        The file cannot be read.
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


def decoded(data: bytes, encoding: str | None = None) -> Text:
    """Bytes as text: UTF-8, and Latin-1 where they are not; or as told.

    Raises
    ------
    UnreadableFileError
        They are no text.
    """
    try:
        text = Text(data.decode(encoding or "utf-8-sig"))
    except UnicodeError as error:
        if encoding is not None:
            raise UnreadableFileError(
                f"is not {encoding} ({printable(str(error), 120)}): name the right `encoding`"
            ) from None
        text = Text(data.decode("latin-1"), latin=True)
    if "\0" in text.text:
        wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        raise UnreadableFileError(
            "looks like UTF-16: `encoding='utf-16'`" if wide else "holds NUL bytes, so it is no text"
        )
    return text


def lines_of(text: str) -> list[str]:
    """The lines, without those at the end that are empty. Only line feeds end one, with a carriage return or without.

    Examples
    --------
    >>> lines_of("one\\r\\n\\ntwo\\u2028still two\\n\\n")
    ['one', '', 'two\\u2028still two']
    """
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    while lines and not lines[-1].strip():
        lines.pop()
    return lines
