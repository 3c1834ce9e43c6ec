"""Records that stay encoded in the table and are decoded when they are asked for: where decoded ones would not fit.

A cell is ``{"bytes": ..., "path": ..., "digest": ...}``: the encoded bytes themselves, or an address to read them
from (a path, or ``zip://member::/path/archive.zip``), and a digest of the bytes as they were read first.
"""

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from contramix.domains.files.addresses import read_at
from contramix.domains.files.item import Item, Unreadable
from contramix.domains.table.options import printable
from contramix.errors import RunError
from contramix.samples import Streamed

DIGEST_BYTES = 16
ENCODED = pa.struct(
    [("bytes", pa.large_binary()), ("path", pa.large_string()), ("digest", pa.binary(DIGEST_BYTES))]
)  # fmt: skip


def digest_of(data: bytes) -> bytes:
    """Sixteen bytes that stand for these."""
    return blake2b(data, digest_size=DIGEST_BYTES).digest()


def encoded(items: Sequence[Item], digests: Sequence[bytes]) -> pa.StructArray:
    """Files as cells: by address where they have one, else by their bytes."""
    held = [None if item.where is not None else item.read() for item in items]
    columns = [held, [item.where for item in items], list(digests)]
    return pa.StructArray.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, ENCODED, strict=True)], fields=list(ENCODED)
    )


def streamed(
    column: pa.ChunkedArray, decode: Callable[[bytes], np.ndarray], shape: tuple[int, ...], dtype: torch.dtype
) -> Streamed:
    """Samples that are decoded when they are asked for, by several threads.

    Parameters
    ----------
    column : pa.ChunkedArray
        Of type ``ENCODED``.
    decode : callable
        As for `contramix.domains.files.decoding.decode_all`.
    shape, dtype
        Of one sample.

    Returns
    -------
    Streamed
        Asking it for rows raises RunError where a file is gone, or has changed since it was read first.
    """
    cells = column.combine_chunks()
    fingerprint = blake2b(repr((shape, dtype)).encode(), digest_size=32)
    for digest in cells.flatten()[2]:
        fingerprint.update(digest.as_py())

    def rows(index: Int[Tensor, " k"]) -> Shaped[Tensor, " k *one"]:
        from contramix.domains.files.decoding import each

        chosen = cells.take(pa.array(index.numpy())).to_pylist()
        items = [Item(cell["path"] or "a record", partial(_read_again, cell)) for cell in chosen]
        out = torch.empty((len(items), *shape), dtype=dtype)
        for row, sample in enumerate(each(items, decode)):
            if isinstance(sample, Unreadable):
                raise RunError(f"{printable(items[row].name)}: {sample}, though it could be read at first")
            out[row] = torch.tensor(sample)
        return out

    return Streamed((len(cells), *shape), dtype, rows, fingerprint.hexdigest())


def _read_again(cell: dict[str, bytes | str | None]) -> bytes:
    held, path = cell["bytes"], cell["path"]
    data = held if isinstance(held, bytes) else read_at(str(path))
    if digest_of(data) != cell["digest"]:
        raise Unreadable("changed since it was read first")
    return data
