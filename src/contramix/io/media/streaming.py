"""Decode media files when training asks for them."""

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
    """Samples that are decoded when they are asked for, by several threads.

    Parameters
    ----------
    column : pa.ChunkedArray
        Of type ``ENCODED``.
    decode : callable
        As for `contramix.io.media.parallel_decoding.decode_all`.
    shape, dtype
        Of one sample.

    Returns
    -------
    StreamedSamples
        Asking it for rows raises RunError where a file is gone, or has changed since it was read first.
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
