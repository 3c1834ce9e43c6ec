"""Decode many files in parallel: in order, in bounded memory, with the broken ones set aside and their reasons."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike

from contramix.errors import InputError, printable
from contramix.io.media.encoded_records import compute_digest, encode_files
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.records import BadFile

T = TypeVar("T")

IN_MEMORY_BYTES = 2 << 30
"""Decoded samples that take more than this are not kept: they are decoded again whenever they are asked for."""
_AT_ONCE = 32
"""Files a task: enough that handing tasks to threads costs nothing beside decoding."""


class Decoded(NamedTuple):
    """Files decoded.

    Parameters
    ----------
    content : pa.Array
        One row a good file: the samples themselves (`pa.FixedShapeTensorArray`), or what decodes them again
        (see `contramix.io.media.encoded_records`).
    indices : list of int
        Which files these are.
    bad_files : tuple of BadFile
        The others, and why.
    """

    content: pa.Array
    indices: list[int]
    bad_files: tuple[BadFile, ...]


def decode_all(
    items: MediaFiles,
    decode: Callable[[bytes], np.ndarray],
    shape: tuple[int, ...],
    dtype: DTypeLike,
    *,
    on_bad_files: Literal["skip", "fail"] = "skip",
    in_memory_bytes: int = IN_MEMORY_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Decoded:
    """Decode every file once.

    Parameters
    ----------
    items : MediaFiles
        The files.
    decode : callable
        From a file's bytes to an array of ``shape`` and ``dtype``; raises `UnreadableFileError`. Several threads
        call it at once.
    on_bad_files : {"skip", "fail"}
        Leave broken files out and say so, or refuse the whole.
    in_memory_bytes : int
        Samples that take more than this together are not kept in memory.
    progress : callable, optional
        Is told how many files are done, and how many there are.

    Raises
    ------
    InputError
        No file can be decoded; or one cannot, and ``on_bad_files`` is ``"fail"``.
    """
    total = len(items.files)
    streaming = total * int(np.prod(shape)) * np.dtype(dtype).itemsize > in_memory_bytes
    held = np.empty((0 if streaming else total, *shape), dtype)
    digests: list[bytes] = []
    kept: list[int] = []
    bad = list(items.bad_files)
    if bad and on_bad_files == "fail":
        raise _refused(items, bad[0])

    def work(data: bytes) -> tuple[np.ndarray, bytes]:
        sample = decode(data)
        return (sample[:0], compute_digest(data)) if streaming else (sample, b"")

    for number, result in enumerate(map_files(items.files, work)):
        if isinstance(result, UnreadableFileError):
            bad.append(BadFile(items.files[number].name, printable(str(result), 200)))
            if on_bad_files == "fail":
                raise _refused(items, bad[-1])
        else:
            sample, digest = result
            if streaming:
                digests.append(digest)
            else:
                held[len(kept)] = sample
            kept.append(number)
        if progress is not None:
            progress(number + 1, total)
    if not kept:
        shown = "; ".join(f"{file}: {reason}" for file, reason in bad[:3])
        raise InputError(
            f"{items.source}: none of {len(bad):,} files can be decoded ({shown}{'; ...' * (len(bad) > 3)})"
        )
    if streaming:
        content = encode_files([items.files[n] for n in kept], digests)
    else:
        content = pa.FixedShapeTensorArray.from_numpy_ndarray(held[: len(kept)])
    return Decoded(content, kept, tuple(sorted(bad) if items.bad_files else bad))


def map_files(items: Sequence[MediaFile], work: Callable[[bytes], T]) -> Iterator[T | UnreadableFileError]:
    """Yield ``work(bytes)`` of each file, in order, or the `UnreadableFileError` where that fails.

    Files are read and worked on by several threads, a few ahead of what is asked for.
    """

    def several(start: int) -> list[T | UnreadableFileError]:
        return [read_and_apply(item.read, work) for item in items[start : start + _AT_ONCE]]

    count = count_threads()
    waiting: deque[Future[list[T | UnreadableFileError]]] = deque()
    with ThreadPoolExecutor(count, "decode") as pool:
        try:
            for start in range(0, len(items), _AT_ONCE):
                waiting.append(pool.submit(several, start))
                if len(waiting) > 2 * count:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def read_and_apply(read: Callable[[], bytes], work: Callable[[bytes], T]) -> T | UnreadableFileError:
    """Read and work, or say why not."""
    try:
        return work(read())
    except UnreadableFileError as error:
        return error
    except MemoryError:
        return UnreadableFileError("not enough memory to decode it")
    except OSError as error:
        return UnreadableFileError(f"cannot be read ({error.strerror or error})")


def count_threads() -> int:
    """How many threads decode: one a core that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 32)


def _refused(items: MediaFiles, bad: BadFile) -> InputError:
    return InputError(f"{items.source}: {bad.file}: {bad.reason}; --on-bad-files skip leaves such files out")
