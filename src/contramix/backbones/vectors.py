"""Compute the vectors of many texts or images with a backbone, each one only once, and keep them in a folder."""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float32, UInt8
from numpy import ndarray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from contramix.backbones.backbone import Backbone
from contramix.errors import InputError
from contramix.runtime import atomic_files

SECONDS = 10.0
"""Time between two files of vectors. If the process is killed, the vectors of at most this time are lost."""


class Content(NamedTuple):
    """Describe the records to compute vectors of, without holding all of them in memory.

    Parameters
    ----------
    keys
        Hash of each record. Records with the same hash get the same vector.
    lengths
        Length of each record. Records of similar length are computed together.
    load
        Function that takes record numbers and returns these records.
    """

    keys: list[bytes]
    lengths: list[int]
    load: Callable[[Sequence[int]], list[Any]]


class VectorStore:
    """Keep vectors in files in a folder, by the hashes of the records.

    A file that is damaged is ignored, and its vectors are computed again.

    Parameters
    ----------
    folder
        Folder of the files; None: vectors are not kept.
    width
        Number of elements of a vector.
    """

    def __init__(self, folder: Path | None, width: int) -> None:
        self._folder = folder
        self._known: dict[bytes, Float32[ndarray, " d"]] = {}
        self._new: dict[bytes, Float32[ndarray, " d"]] = {}
        for path in sorted(folder.glob("*.safetensors")) if folder is not None and folder.is_dir() else ():
            self._known.update(_read(path, width))

    def __contains__(self, key: bytes) -> bool:
        return key in self._known

    def __getitem__(self, key: bytes) -> Float32[ndarray, " d"]:
        return self._known[key]

    def add(self, key: bytes, vector: Float32[ndarray, " d"]) -> None:
        """Add a vector, which :meth:`flush` writes. A vector that is known already is not changed."""
        if key not in self._known:
            self._known[key] = self._new[key] = vector

    def flush(self) -> None:
        """Write the vectors that were added since the last call to a new file."""
        if self._folder is None or not self._new:
            return
        keys = np.frombuffer(b"".join(self._new), np.uint8).reshape(len(self._new), -1)
        vectors = np.stack(list(self._new.values()))
        path = atomic_files.create_folder(self._folder) / f"{_digest(keys, vectors)}.safetensors"
        atomic_files.write(path, save({"keys": keys, "vectors": vectors}))
        self._new.clear()


def compute_vectors(
    backbone: Backbone,
    content: Content,
    batch_size: int,
    folder: Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Float32[ndarray, " n d"]:
    """Return the vector of each record. Vectors that the folder holds are not computed again.

    Records are put in the order of their lengths and cut into batches, whatever the folder holds, so that a pass that
    was interrupted gives the same vectors.

    Parameters
    ----------
    backbone
        Backbone that computes the vectors.
    content
        The records.
    batch_size
        Number of records that are computed together.
    folder
        Folder in which vectors are kept; None: they are not kept.
    on_progress
        Function that is called with the number of different records that are done, and with their total number.

    Raises
    ------
    InputError
        If the backbone returns numbers that are not finite.
    RunError
        If the disk is full.
    """
    store = VectorStore(folder, backbone.width)
    first: dict[bytes, int] = {}
    for number, key in enumerate(content.keys):
        first.setdefault(key, number)
    order = sorted(first, key=lambda key: (content.lengths[first[key]], key))
    written = time.monotonic()
    try:
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            if not all(key in store for key in batch):
                vectors = backbone.encode(content.load([first[key] for key in batch]))
                if not np.isfinite(vectors).all():
                    raise InputError("`backbone`: returns numbers that are not finite")
                for key, vector in zip(batch, vectors):
                    store.add(key, vector)
            on_progress(start + len(batch), len(order))
            if time.monotonic() - written > SECONDS:
                store.flush()
                written = time.monotonic()
    finally:
        store.flush()
    out = np.empty((len(content.keys), backbone.width), np.float32)
    for number, key in enumerate(content.keys):
        out[number] = store[key]
    return out


def _read(path: Path, width: int) -> dict[bytes, Float32[ndarray, " d"]]:
    """Return the vectors in a file by the hashes of their records; none if the file is damaged."""
    try:
        data = path.read_bytes()
        found = load(data)
        keys, vectors = found["keys"], found["vectors"]
    except (OSError, SafetensorError, KeyError):
        return {}
    if path.stem != _digest(keys, vectors) or vectors.shape != (len(keys), width):
        return {}
    return {key.tobytes(): vector for key, vector in zip(keys, vectors)}


def _digest(keys: UInt8[ndarray, " n k"], vectors: Float32[ndarray, " n d"]) -> str:
    """Return the hash that names a file of vectors, by which damage is noticed."""
    return hashlib.sha256(keys.tobytes() + vectors.tobytes()).hexdigest()[:16]
