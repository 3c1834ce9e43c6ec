"""Store references to encoded image or audio files in an Arrow column, for data that do not fit in memory when decoded.

A cell is ``{"bytes": ..., "path": ..., "digest": ...}``: either the bytes of the file or its address (a path, or
``zip://member::/path/archive.zip``), and a hash of the bytes, by which a later change of the file is noticed.
"""

from collections.abc import Sequence
from hashlib import blake2b

import pyarrow as pa

from contramix.io.media.media_file import MediaFile

DIGEST_BYTES = 16
"""Length of a digest in bytes."""
ENCODED = pa.struct(
    [("bytes", pa.large_binary()), ("path", pa.large_string()), ("digest", pa.binary(DIGEST_BYTES))]
)  # fmt: skip
"""Arrow type of a cell that refers to an encoded file."""


def compute_digest(data: bytes) -> bytes:
    """Return the 16-byte BLAKE2b digest (hash) of a file's bytes."""
    return blake2b(data, digest_size=DIGEST_BYTES).digest()


def encode_files(items: Sequence[MediaFile], digests: Sequence[bytes]) -> pa.StructArray:
    """Convert media files to an Arrow array of ``{"bytes", "path", "digest"}`` structs, one per file.

    A file with an address has this address in the field ``path``, and no bytes. Any other file has its bytes in the
    field ``bytes``, and no path. ``digests`` lists the hash of each file's bytes, as returned by `compute_digest`.
    """
    held = [None if item.address is not None else item.read() for item in items]
    columns = [held, [item.address for item in items], list(digests)]
    return pa.StructArray.from_arrays(
        [pa.array(values, field.type) for values, field in zip(columns, ENCODED, strict=True)], fields=list(ENCODED)
    )
