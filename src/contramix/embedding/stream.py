"""Files to files of representations: reading, network and writing go on at the same time, and memory does not grow."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import torch
from jaxtyping import Float32
from numpy import ndarray

from contramix.embedding.writers import EMBEDDING_FILES
from contramix.io.records import RecordChunks
from contramix.models.inference import check_finite, device_of, embed_batch, evaluation_mode, inference_batches
from contramix.models.pretrained import Pretrained
from contramix.runtime import atomic_files
from contramix.runtime.prefetch import prefetch
from contramix.samples.samples import Batch, Samples

AHEAD = 2
"""Portions that are read, and batches that wait to be written, while the network works."""

T = TypeVar("T")
Rows = tuple[pa.Table, Float32[ndarray, " n d"]]
"""Some rows, and their representations."""


def representations(
    model: Pretrained, data: RecordChunks, start: int, stop: int, batch_size: int | None = None
) -> Iterator[Rows]:
    """The representations of rows from one number up to another, batch by batch; the next portion is read meanwhile.

    On processors as many batches are computed side by side as torch has threads, each by one of them: threads that
    share a batch wait for each other at every layer, and longest where others read and write beside them.

    Raises
    ------
    InputError
        As of `Pretrained.embed`; rows are counted from the first of all data.
    """
    encoder = model.encoder

    def samples() -> Iterator[tuple[int, pa.Table, Samples]]:
        at = start
        for table in data.read_rows(start, stop):
            yield at, table, model.spec.tensorize(table, at)
            at += table.num_rows

    def batches() -> Iterator[Callable[[], Rows]]:
        for at, table, x in ahead(samples()):
            first = 0
            for batch in inference_batches(encoder, x, batch_size):
                rows = table.slice(first, len(batch))
                yield partial(computed, rows, batch, at + first)
                first += len(batch)

    def computed(rows: pa.Table, batch: Batch, first: int) -> Rows:
        return rows, check_finite(embed_batch(encoder, batch), first)

    with evaluation_mode(encoder), one_thread_each(device_of(encoder)) as workers:
        yield from prefetch(batches(), workers, workers)


@contextmanager
def one_thread_each(device: torch.device) -> Iterator[int]:
    """How many batches are computed side by side; on processors torch has one thread for each meanwhile."""
    threads = torch.get_num_threads()
    if device.type != "cpu":
        yield 1
        return
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def write_rows(
    out: Path, keep: Sequence[str], data: RecordChunks, width: int, rows: int, found: Iterator[Rows],
    told: Callable[[int], None] = lambda rows: None,
) -> None:  # fmt: skip
    """Take so many rows from those found, and write them and the columns carried over to a file, whole or not at all.

    Parameters
    ----------
    out
        The file; its ending says its format.
    keep
        Columns to carry over.
    data
        What they are of.
    width, rows
        How many numbers a row has, and how many rows are taken.
    found
        Rows and their representations; none of them reaches beyond the last row that is taken.
    told
        Is told how many rows have been found, batch by batch.

    Raises
    ------
    InputError, RunError
        If the file cannot be written, or there is no space.
    """
    kept = pa.schema([data.schema.field(name) for name in keep])
    with atomic_files.writing(out, 4 * rows * width) as file, ThreadPoolExecutor(1) as writer:
        sink = EMBEDDING_FILES[out.suffix](file, kept, rows, width)
        waiting: deque[Future[None]] = deque()
        done = 0
        try:
            while done < rows:
                table, z = next(found)
                waiting.append(writer.submit(sink.add, table.select(keep), z))
                done += len(z)
                told(len(z))
                if len(waiting) > AHEAD:
                    waiting.popleft().result()
            for future in waiting:
                future.result()
            writer.submit(sink.close).result()
        except BaseException:
            writer.shutdown(cancel_futures=True)
            with suppress(Exception):  # what went wrong before is what is to be said
                sink.close()
            raise


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items, each made in another thread while those before it are used."""
    end = object()
    with ThreadPoolExecutor(1) as worker:
        waiting = deque(worker.submit(next, items, end) for _ in range(AHEAD))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(worker.submit(next, items, end))
                yield item  # type: ignore[misc]
        finally:
            for future in waiting:
                future.cancel()
