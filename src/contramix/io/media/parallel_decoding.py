"""Decode many image or audio files in parallel threads, in order and with limited memory."""

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
"""Maximum size of decoded samples that are kept in memory. Larger data sets are decoded again on every access."""
_FILES_PER_TASK = 32
"""Number of files that a thread decodes per task: enough to make the overhead of scheduling negligible."""


class Decoded(NamedTuple):
    """Collect the results of decoding many image or audio files.

    Parameters
    ----------
    content : pa.Array
        One row per file that could be decoded: the decoded samples (`pa.FixedShapeTensorArray`) or, if these are too
        large for memory, references to the encoded files (see `contramix.io.media.encoded_records`).
    indices : list of int
        For each row of ``content``, the position of its file in the list of files.
    bad_files : tuple of BadFile
        The files that could not be read or decoded, with reasons.
    """

    content: pa.Array
    indices: list[int]
    bad_files: tuple[BadFile, ...]


def decode_all(
    files: MediaFiles,
    decode: Callable[[bytes], np.ndarray],
    shape: tuple[int, ...],
    dtype: DTypeLike,
    *,
    on_bad_files: Literal["skip", "fail"] = "skip",
    in_memory_bytes: int = IN_MEMORY_BYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Decoded:
    """Decode all image or audio files in parallel, and collect the decoded samples and the files that failed.

    Parameters
    ----------
    files : MediaFiles
        The files.
    decode : callable
        Function that converts the bytes of a file to an array of ``shape`` and ``dtype``, or raises
        `UnreadableFileError`. Several threads call it at once.
    shape, dtype
        Shape and type of one sample.
    on_bad_files : {"skip", "fail"}
        Whether to skip files that cannot be decoded, or to raise an error for the first of them.
    in_memory_bytes : int
        Maximum size of all decoded samples in bytes. If they are larger, the result refers to the encoded files.
    progress : callable, optional
        Function that is called with the number of files processed so far and the total number of files.

    Raises
    ------
    InputError
        If no file can be decoded, or if ``on_bad_files`` is ``"fail"`` and a file cannot be decoded.
    """
    total = len(files.files)
    streaming = total * int(np.prod(shape)) * np.dtype(dtype).itemsize > in_memory_bytes
    held = np.empty((0 if streaming else total, *shape), dtype)
    digests: list[bytes] = []
    indices: list[int] = []
    bad_files = list(files.bad_files)
    if bad_files and on_bad_files == "fail":
        raise _bad_file_error(files, bad_files[0])

    def work(data: bytes) -> tuple[np.ndarray, bytes]:
        sample = decode(data)
        return (sample[:0], compute_digest(data)) if streaming else (sample, b"")

    for number, result in enumerate(map_files(files.files, work)):
        if isinstance(result, UnreadableFileError):
            bad_files.append(BadFile(files.files[number].name, printable(str(result), 200)))
            if on_bad_files == "fail":
                raise _bad_file_error(files, bad_files[-1])
        else:
            sample, digest = result
            if streaming:
                digests.append(digest)
            else:
                held[len(indices)] = sample
            indices.append(number)
        if progress is not None:
            progress(number + 1, total)
    if not indices:
        shown = "; ".join(f"{file}: {reason}" for file, reason in bad_files[:3])
        raise InputError(
            f"{files.source}: none of {len(bad_files):,} files can be decoded ({shown}{'; ...' * (len(bad_files) > 3)})"
        )
    if streaming:
        content = encode_files([files.files[n] for n in indices], digests)
    else:
        content = pa.FixedShapeTensorArray.from_numpy_ndarray(held[: len(indices)])
    return Decoded(content, indices, tuple(sorted(bad_files) if files.bad_files else bad_files))


def map_files(files: Sequence[MediaFile], function: Callable[[bytes], T]) -> Iterator[T | UnreadableFileError]:
    """Read all files and apply ``function`` to the bytes of each, in several threads. Yield the results in order.

    If a file cannot be read or ``function`` raises an `UnreadableFileError`, this error is yielded as the result.
    Threads work only a limited number of files ahead of the consumer, to limit memory.
    """

    def process(start: int) -> list[T | UnreadableFileError]:
        return [read_and_apply(item.read, function) for item in files[start : start + _FILES_PER_TASK]]

    count = count_threads()
    waiting: deque[Future[list[T | UnreadableFileError]]] = deque()
    with ThreadPoolExecutor(count, "decode") as pool:
        try:
            for start in range(0, len(files), _FILES_PER_TASK):
                waiting.append(pool.submit(process, start))
                if len(waiting) > 2 * count:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def read_and_apply(read: Callable[[], bytes], function: Callable[[bytes], T]) -> T | UnreadableFileError:
    """Return ``function(read())``, where ``read`` returns the bytes of a file.

    If reading or processing fails, return an `UnreadableFileError` with the reason instead of raising it.
    """
    try:
        return function(read())
    except UnreadableFileError as error:
        return error
    except MemoryError:
        return UnreadableFileError("not enough memory to decode it")
    except OSError as error:
        return UnreadableFileError(f"cannot be read ({error.strerror or error})")


def count_threads() -> int:
    """Return the number of threads for decoding: the number of CPU cores that this process may use, at most 32."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, 32)


def _bad_file_error(files: MediaFiles, bad_file: BadFile) -> InputError:
    return InputError(f"{files.source}: {bad_file.file}: {bad_file.reason}; give `on_bad_files='skip'`")
