"""Decode image and audio files while training, for data that do not fit in memory when decoded."""

from collections.abc import Callable
from functools import partial
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from contramix.errors import RunError, printable
from contramix.io.media.addresses import read_address
from contramix.io.media.encoded_records import compute_digest
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.samples.samples import StreamedSamples


def stream_samples(
    column: pa.ChunkedArray, decode: Callable[[bytes], np.ndarray], shape: tuple[int, ...], dtype: torch.dtype
) -> StreamedSamples:
    """Return samples that are read and decoded from their files, in several threads, each time they are indexed.

    Parameters
    ----------
    column : pa.ChunkedArray
        References to encoded files, of the type ``contramix.io.media.encoded_records.ENCODED``.
    decode : callable
        Function that converts the bytes of a file to an array of ``shape``, or raises `UnreadableFileError`. Several
        threads call it at once.
    shape, dtype
        Shape and type of one sample.

    Returns
    -------
    StreamedSamples
        The samples. Indexing them raises RunError if a file is missing or has changed since the references were made.
    """
    cells = column.combine_chunks()
    fingerprint = blake2b(repr((shape, dtype)).encode(), digest_size=32)
    for digest in cells.flatten()[2]:
        fingerprint.update(digest.as_py())

    def rows(index: Int[Tensor, " k"]) -> Shaped[Tensor, " k *one"]:
        from contramix.io.media.parallel_decoding import map_files

        chosen = cells.take(pa.array(index.numpy())).to_pylist()
        items = [MediaFile(cell["path"] or "a record", partial(_read_again, cell)) for cell in chosen]
        out = torch.empty((len(items), *shape), dtype=dtype)
        for row, sample in enumerate(map_files(items, decode)):
            if isinstance(sample, UnreadableFileError):
                raise RunError(f"{printable(items[row].name)}: {sample}, though it could be read at first")
            out[row] = torch.tensor(sample)
        return out

    return StreamedSamples((len(cells), *shape), dtype, rows, fingerprint.hexdigest())


def _read_again(cell: dict[str, bytes | str | None]) -> bytes:
    held, path = cell["bytes"], cell["path"]
    data = held if isinstance(held, bytes) else read_address(str(path))
    if compute_digest(data) != cell["digest"]:
        raise UnreadableFileError("changed since it was read first")
    return data
