"""Detect the format of a table file, and open files as decompressed bytes or as UTF-8 text."""

import atexit
import difflib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO
from weakref import WeakSet

import pyarrow as pa

from contramix.errors import InputError, printable

HEAD_BYTES = 4096
"""Number of bytes at the beginning of a file from which its format is detected."""
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_MAGIC = {
    b"PAR1": "parquet", b"ARROW1\0": "arrow", b"\xff\xff\xff\xff": "stream", b"\x93NUMPY": "npy",
    b"PK\x03\x04": "zip",
}  # fmt: skip
_FOREIGN = {
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save it as CSV or Parquet",
    b"BZh91AY&SY": "bzip2-compressed: unpack it, or compress it with gzip or zstd",
    b"\xfd7zXZ": "xz-compressed: unpack it, or compress it with gzip or zstd",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89HDF": "an HDF5 file: save it as CSV or Parquet",
    b"SQLite format 3": "an SQLite database: export the table as CSV",
    b"\x80\x02": "a Python pickle, which is never read: save it as Parquet or npy",
    b"\x80\x03": "a Python pickle, which is never read: save it as Parquet or npy",
    b"\x80\x04": "a Python pickle, which is never read: save it as Parquet or npy",
    b"\x80\x05": "a Python pickle, which is never read: save it as Parquet or npy",
    b"version https://git-lfs": "a Git LFS pointer, not the data: run 'git lfs pull'",
}
_EXTENSIONS = {
    ".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
    ".arrows": "stream", ".npy": "npy", ".npz": "zip",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl",
}  # fmt: skip
_BINARY_NAMES = {
    "parquet": "Parquet",
    "arrow": "Arrow IPC",
    "stream": "Arrow IPC",
    "npy": "npy",
    "zip": "npz",
}


def check_file(path: str | os.PathLike[str]) -> None:
    """Check that a path is a regular file and not empty.

    Raises
    ------
    InputError
        If the path does not exist, cannot be opened, is a folder or device, or is an empty file.
    """
    shown = printable(path)
    try:
        size = os.stat(path).st_size
    except FileNotFoundError:
        raise InputError(f"{shown}: no such file{_nearest(path)}") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{shown}: cannot be opened ({printable(str(error), 200)})") from None
    if os.path.isdir(path):
        raise InputError(f"{shown}: is a folder, and not one of images or audio files: name a file in it")
    if not os.path.isfile(path):
        raise InputError(f"{shown}: is not a regular file")
    if size == 0:
        raise InputError(f"{shown}: empty file (0 bytes)")


def detect_format(path: str | os.PathLike[str]) -> str:
    """Detect the format of a table file from its first bytes or, if they are not conclusive, from its extension.

    Returns
    -------
    str
        ``parquet``, ``arrow`` (Arrow IPC file), ``stream`` (Arrow IPC stream), ``npy``, ``zip`` (npz), ``jsonl``, or
        ``delimited`` (CSV and similar text files).

    Raises
    ------
    InputError
        If the file has a known format that is not supported, such as PDF, or if it has the extension of a binary
        format but not its first bytes.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
    kind = _binary(head)
    if kind:
        return kind
    packed = head[:2] in _PACKED or head[:4] in _PACKED
    if packed:
        with open_decompressed(path) as stream:
            head = stream.read(HEAD_BYTES)
        kind = _binary(head)
        if kind:
            raise InputError(f"{printable(path)}: a compressed {_BINARY_NAMES[kind]} file: unpack it first")
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(f"{printable(path)}: looks like {what}")
    return _text_format(path, head.removeprefix(b"\xef\xbb\xbf").lstrip())


_LENT: WeakSet[Any] = WeakSet()


def to_arrow_stream(stream: Any) -> pa.NativeFile:
    """Wrap a Python byte stream as an Arrow stream, which Arrow's readers accept.

    Arrow's threads release the Python stream only some time after the last read. If the interpreter exits before that,
    the process may crash. `wait_for_arrow` therefore runs at exit and waits for the release.
    """
    _LENT.add(stream)
    return pa.PythonFile(stream, "r")


@atexit.register
def wait_for_arrow(seconds: float = 1.0) -> None:
    """Wait until Arrow has released all streams that `to_arrow_stream` wrapped, but at most ``seconds`` seconds.

    It runs when the interpreter exits.
    """
    until = time.monotonic() + seconds
    while len(_LENT) and time.monotonic() < until:
        time.sleep(0.001)


@contextmanager
def open_decompressed(path: str | os.PathLike[str]) -> Iterator[pa.NativeFile]:
    """Open a file as a stream of bytes within a ``with`` block.

    A file compressed with gzip or zstd is decompressed. This is detected from its first bytes, not its extension.
    """
    with open(path, "rb") as file:
        head = file.read(4)
        file.seek(0)
        codec = _PACKED.get(head[:2]) or _PACKED.get(head)
        source: BinaryIO | pa.NativeFile = to_arrow_stream(file)
        with pa.CompressedInputStream(source, codec) if codec else source as stream:
            yield stream


@contextmanager
def open_utf8(path: str | os.PathLike[str], encoding: str | None) -> Iterator[pa.NativeFile]:
    """Open a text file, which may be compressed with gzip or zstd, as a stream of UTF-8 bytes within a ``with`` block.

    ``encoding`` is the encoding of the file, from which the text is converted to UTF-8. None means that it is UTF-8.
    """
    with open_decompressed(path) as stream:
        yield stream if encoding is None else pa.transcoding_input_stream(stream, encoding, "utf-8")


def _binary(head: bytes) -> str | None:
    if head[:4] == b"PAR1" and head[4:5].decode("latin-1").isprintable() | (head[4:5] in b"\r\n\t"):
        return None  # a text file whose first column is called PAR1
    return next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)


def _text_format(path: str | os.PathLike[str], text: bytes) -> str:
    stem, extension = os.path.splitext(os.fsdecode(path).lower())
    if extension in (".gz", ".zst"):
        extension = os.path.splitext(stem)[1]
    kind = _EXTENSIONS.get(extension, "delimited")
    if kind in _BINARY_NAMES:
        raise InputError(
            f"{printable(path)}: not a {_BINARY_NAMES[kind]} file in spite of its name (by its first bytes): "
            "if it is text, rename it to .csv, else write it again"
        )
    if text.startswith(b"<"):
        raise InputError(f"{printable(path)}: looks like an HTML or XML page: save the table as CSV")
    if text.startswith(b"[{") or (kind == "jsonl" and text.startswith(b"[")):
        raise InputError(f"{printable(path)}: looks like one JSON array: write one object a line (JSONL)")
    return "jsonl" if text.startswith((b'{"', b"{ ")) else kind


def _nearest(path: str | os.PathLike[str]) -> str:
    folder, name = os.path.split(os.fsdecode(path))
    try:
        near = difflib.get_close_matches(name, os.listdir(folder or "."), n=1)
    except OSError:
        return f" (nor a folder {printable(folder)})"
    return f", did you mean {printable(near[0])}?" if near else ""
