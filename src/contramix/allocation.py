"""Memory that is freed is kept for the next tensor, where the C library can be told so (docs/adr/0030)."""

import ctypes
from contextlib import suppress

M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
LARGEST, KEPT = 32 * 2**20, 512 * 2**20
"""Bytes: blocks up to the first come from the heap, of whose free end so much is kept."""


def keep_freed_memory() -> None:
    """Ask glibc to keep freed memory instead of giving it back and having each page made anew a moment later.

    A process's own choice, so the command line makes it, and importing the library does not. Elsewhere than with
    glibc nothing happens.
    """
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGEST)
        library.mallopt(M_TRIM_THRESHOLD, KEPT)
