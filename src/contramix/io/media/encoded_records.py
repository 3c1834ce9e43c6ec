"""Keep media files encoded in the table, to be decoded on demand when decoded samples do not fit into memory.

A cell is ``{"bytes": ..., "path": ..., "digest": ...}``: the encoded bytes or an address to read them from (a path, or
``zip://member::/path/archive.zip``), and a digest of the bytes at the first read.
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
    """Return the 16-byte BLAKE2b digest of bytes."""
    return blake2b(data, digest_size=DIGEST_BYTES).digest()


def encode_files(items: Sequence[MediaFile], digests: Sequence[bytes]) -> pa.StructArray:
    """Return media files as an array of type ``ENCODED``, by address if they have one, else by their bytes."""
    held = [None if item.address is not None else item.read() for item in items]
    columns = [held, [item.address for item in items], list(digests)]
    return pa.StructArray.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, ENCODED, strict=True)], fields=list(ENCODED)
    )
