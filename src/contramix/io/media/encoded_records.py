"""Records that stay encoded in the table and are decoded when they are asked for: where decoded ones would not fit.

A cell is ``{"bytes": ..., "path": ..., "digest": ...}``: the encode_files bytes themselves, or an address to read them
from (a path, or ``zip://member::/path/archive.zip``), and a digest of the bytes as they were read first.
"""

from collections.abc import Sequence
from hashlib import blake2b

import pyarrow as pa

from contramix.io.media.media_file import MediaFile

DIGEST_BYTES = 16
ENCODED = pa.struct(
    [("bytes", pa.large_binary()), ("path", pa.large_string()), ("digest", pa.binary(DIGEST_BYTES))]
)  # fmt: skip


def compute_digest(data: bytes) -> bytes:
    """Sixteen bytes that stand for these."""
    return blake2b(data, digest_size=DIGEST_BYTES).digest()


def encode_files(items: Sequence[MediaFile], digests: Sequence[bytes]) -> pa.StructArray:
    """Files as cells: by address where they have one, else by their bytes."""
    held = [None if item.address is not None else item.read() for item in items]
    columns = [held, [item.address for item in items], list(digests)]
    return pa.StructArray.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, ENCODED, strict=True)], fields=list(ENCODED)
    )
