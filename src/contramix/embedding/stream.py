"""Compute representations of data that do not fit into memory. Reading, computing and writing run in parallel."""

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

BUFFERED = 2
"""Maximum number of chunks that are read in advance, and of batches that wait to be written."""

T = TypeVar("T")
EmbeddedRows = tuple[pa.Table, Float32[ndarray, " n d"]]
"""Rows of the data as a table, and their representations of shape (n, d)."""


def embed_rows(
    model: Pretrained, data: RecordChunks, start: int, stop: int, batch_size: int | None = None
) -> Iterator[EmbeddedRows]:
    """Compute the representations of a range of rows, batch by batch, while the next chunk is read.

    On a CPU, several batches are computed in parallel, each by one thread. This is faster than one batch on several
    threads, which wait for each other at every layer.

    Parameters
    ----------
    model
        Pre-trained model.
    data
        All records, in chunks.
    start, stop
        Number of the first row, and number of the row after the last one.
    batch_size
        Number of rows in a batch; None: chosen from the size of a sample and the width of the encoder.

    Yields
    ------
    tuple
        Table with the rows of a batch, and array of shape (rows, width) with their representations.

    Raises
    ------
    InputError
        If a row cannot be read, does not suit the model, or has a representation that is not finite.
    """
    encoder = model.encoder

    def samples() -> Iterator[tuple[int, pa.Table, Samples]]:
        first = start
        for table in data.read_rows(start, stop):
            yield first, table, model.spec.tensorize(table, first)
            first += table.num_rows

    def batches() -> Iterator[Callable[[], EmbeddedRows]]:
        for offset, table, x in read_ahead(samples()):
            first = 0
            for batch in inference_batches(encoder, x, batch_size):
                rows = table.slice(first, len(batch))
                yield partial(embed, rows, batch, offset + first)
                first += len(batch)

    def embed(rows: pa.Table, batch: Batch, first: int) -> EmbeddedRows:
        return rows, check_finite(embed_batch(encoder, batch), first)

    with evaluation_mode(encoder), single_threaded_batches(device_of(encoder)) as workers:
        yield from prefetch(batches(), workers, workers)


@contextmanager
def single_threaded_batches(device: torch.device) -> Iterator[int]:
    """Create a context in which each batch is computed by one thread; it yields the number of batches to run at once.

    On a CPU this is the number of threads that torch had before, to which it is reset at the end. On other devices it
    is 1, and the threads of torch are not limited.
    """
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
    out: Path, keep: Sequence[str], data: RecordChunks, width: int, rows: int, embedded: Iterator[EmbeddedRows],
    on_progress: Callable[[int], None] = lambda rows: None,
) -> None:  # fmt: skip
    """Write columns copied from the data, and representations, to a file. An incomplete file is removed on an error.

    Parameters
    ----------
    out
        File to write; its suffix determines the format.
    keep
        Names of the columns to copy from the data.
    data
        Records to which the rows belong. Only the schema is used, for the types of the copied columns.
    width, rows
        Number of elements of a representation, and number of rows to write.
    embedded
        Iterator over batches: table of rows, and array of their representations. Batches are taken until ``rows`` rows
        are complete; later batches stay in the iterator. No batch may reach beyond the last of these rows.
    on_progress
        Function that is called with the number of rows of each batch.

    Raises
    ------
    InputError
        If the file cannot be written.
    RunError
        If the disk is full.
    """
    kept = pa.schema([data.schema.field(name) for name in keep])
    with atomic_files.writing(out, 4 * rows * width) as file, ThreadPoolExecutor(1) as writer:
        sink = EMBEDDING_FILES[out.suffix](file, kept, rows, width)
        waiting: deque[Future[None]] = deque()
        done = 0
        try:
            while done < rows:
                table, z = next(embedded)
                waiting.append(writer.submit(sink.add, table.select(keep), z))
                done += len(z)
                on_progress(len(z))
                if len(waiting) > BUFFERED:
                    waiting.popleft().result()
            for future in waiting:
                future.result()
            writer.submit(sink.close).result()
        except BaseException:
            writer.shutdown(cancel_futures=True)
            with suppress(Exception):  # The first error is the one to raise.
                sink.close()
            raise


def read_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield the items of an iterator, while another thread computes up to ``BUFFERED`` (two) items in advance."""
    end = object()
    with ThreadPoolExecutor(1) as worker:
        waiting = deque(worker.submit(next, items, end) for _ in range(BUFFERED))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(worker.submit(next, items, end))
                yield item  # type: ignore[misc]
        finally:
            for future in waiting:
                future.cancel()
