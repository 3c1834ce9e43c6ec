"""Read IDX files, the format of MNIST: a header with the shape, then bytes; possibly compressed with gzip."""

import os
import zlib
from collections.abc import Sequence
from functools import partial
from math import prod

import numpy as np

from contramix.errors import InputError, printable
from contramix.io.media.archives import check_expansion
from contramix.io.media.array_files import LabeledArray
from contramix.io.media.media_file import MediaFile, UnreadableFileError, read_file
from contramix.io.records import LABEL

ENDINGS = tuple(f"{dot}idx{axes}-ubyte{packed}" for dot in "-." for axes in (3, 4) for packed in ("", ".gz"))
_LABELS = tuple(ending.replace("idx3", "idx1") for ending in ENDINGS if "idx3" in ending)
ALL_ENDINGS = ENDINGS + _LABELS
_BYTES = 0x08


def parse(data: bytes, name: str) -> np.ndarray:
    """Parse an IDX file of unsigned bytes, which may be compressed with gzip, and return its array.

    ``data`` holds the bytes of the file; ``name`` is its name in error messages.

    Raises
    ------
    InputError
        If the file is damaged, is not an IDX file, or holds numbers of another type.

    Examples
    --------
    >>> parse(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]), "labels").tolist()
    [7, 8, 9]
    """
    unpack = zlib.decompressobj(31) if data[:2] == b"\x1f\x8b" else None
    try:
        head = unpack.decompress(data, 4 + 4 * 255) if unpack else data
        if len(head) < 4 or head[:2] != b"\0\0":
            raise InputError(f"{name}: is no IDX file: it does not begin with two zero bytes")
        if head[2] != _BYTES:
            raise InputError(f"{name}: IDX of type 0x{head[2]:02x}; only unsigned bytes (0x08) are read")
        start = 4 + 4 * head[3]
        if len(head) < start:
            raise InputError(f"{name}: truncated in its header; copy the file again")
        shape = tuple(int.from_bytes(head[at : at + 4], "big") for at in range(4, start, 4))
        check_expansion(name, 0, prod(shape), len(data))
        body = head[start:]
        if unpack and len(body) < prod(shape):
            body += unpack.decompress(unpack.unconsumed_tail, prod(shape) - len(body))
    except zlib.error as error:
        raise InputError(
            f"{name}: the compressed data are damaged ({printable(str(error), 80)}): copy it again"
        ) from None
    if len(body) < prod(shape):
        raise InputError(f"{name}: truncated: {len(body):,} of {prod(shape):,} bytes; copy the file again")
    return np.frombuffer(body, np.uint8, prod(shape)).reshape(shape)


def read_idx(items: Sequence[MediaFile], source: str) -> list[LabeledArray]:
    """Read a data set in IDX files, such as MNIST, and return one array of images per official split, with its labels.

    Names with ``train`` are the training split, and names with ``t10k`` or ``test`` are the test split. The labels of
    ``train-images-idx3-ubyte`` are in ``train-labels-idx1-ubyte``.

    Parameters
    ----------
    items
        The files.
    source
        Path of the data set, for error messages.

    Raises
    ------
    InputError
        If a file is damaged, if several files hold images of the same split, or if no file holds images.
    """
    by_name = {item.name: item for item in items}
    found: dict[str | None, LabeledArray] = {}
    for item in items:
        if not item.name.lower().endswith(ENDINGS):
            continue
        split = _split_of(item.name)
        if split in found:
            raise InputError(
                f"{source}: holds several sets of images ({found[split].source}, {item.name}): name one file"
            )
        labels = by_name.get(_labels_of(item.name))
        columns = {} if labels is None else {LABEL: parse(_bytes(labels), labels.name)}
        found[split] = LabeledArray(parse(_bytes(item), item.name), columns, split, item.name)
    if not found:
        raise InputError(f"{source}: holds labels without their images: name the folder or the file of the images")
    return list(found.values())


def with_labels(path: str) -> list[MediaFile]:
    """List an IDX file of images, and the IDX file of its labels if there is one in the same folder."""
    places = [path, os.path.join(os.path.dirname(path), _labels_of(os.path.basename(path)))]
    there = [place for place in dict.fromkeys(places) if os.path.isfile(place)]
    return [MediaFile(printable(os.path.basename(place)), partial(read_file, place)) for place in there]


def _labels_of(name: str) -> str:
    folder, base = os.path.split(name)
    base = base.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    return f"{folder}/{base}" if folder else base


def _split_of(name: str) -> str | None:
    base = name.rpartition("/")[2].lower()
    if "train" in base:
        return "train"
    return "test" if "t10k" in base or "test" in base else None


def _bytes(item: MediaFile) -> bytes:
    try:
        return item.read()
    except (UnreadableFileError, OSError) as error:
        raise InputError(f"{item.name}: {printable(str(error), 120)}") from None
