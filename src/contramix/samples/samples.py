"""Hold and batch all samples of a run: a tensor or packed graphs in memory, or samples that are decoded on access."""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import overload

import torch
from jaxtyping import Int
from torch import Tensor

from contramix.runtime.prefetch import prefetch
from contramix.samples.graphs import Graphs

PREFETCH_BATCHES = 3
"""Number of batches that are decoded ahead of the one in use: enough to hide decoding time, few enough for memory."""


@dataclass(frozen=True)
class StreamedSamples:
    """Decode samples in parallel on access, so that memory holds a few batches only. Index it like a tensor.

    Parameters
    ----------
    shape, dtype
        Shape and type of all samples together, with the sample axis first.
    decode
        Function from row numbers to samples on the CPU.
    fingerprint
        Digest that identifies the data.
    device
        Device to which decoded samples are moved.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype
    decode: Callable[[Int[Tensor, " k"]], Tensor]
    fingerprint: str
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, which: slice | Tensor) -> Tensor:
        if isinstance(which, slice):
            index = torch.arange(*which.indices(len(self)))
        else:
            index = which.cpu().nonzero()[:, 0] if which.dtype == torch.bool else which.cpu()
        return self.decode(index).to(self.device)

    def to(self, device: torch.device | str) -> "StreamedSamples":
        """Return the same samples, to be moved to a device after decoding."""
        return replace(self, device=torch.device(device))


Batch = Tensor | Graphs
"""Samples in memory."""
Samples = Batch | StreamedSamples
"""All samples of a run: ``len(x)``, ``x[rows]``, ``x.to(device)``."""


MAX_BATCH_VALUES = 2**21
"""Maximum number of input values in a batch for inference: large enough to be fast, small enough for memory."""
MAX_BATCH_ROWS = 8192
"""Maximum number of samples in a batch for inference."""
MAX_BATCH_NODES = 2**15
"""Maximum number of graph nodes or text tokens in a batch for inference. Each becomes hundreds of values per layer."""


def inference_batch_size(x: Samples) -> int:
    """Return the batch size for inference, from 32 to 8192: the larger the samples, the fewer."""
    if isinstance(x, Graphs):
        return max(32, min(MAX_BATCH_ROWS, MAX_BATCH_NODES * len(x) // max(1, len(x.x))))
    at_once = MAX_BATCH_NODES if x.dtype == torch.int32 else MAX_BATCH_VALUES
    return max(32, min(MAX_BATCH_ROWS, at_once // max(1, math.prod(x.shape[1:]))))


def sequential_batches(x: Samples, batch_size: int | None = None) -> Iterator[Batch]:
    """Yield all samples in order, batch by batch. The default batch size is `inference_batch_size`."""
    if isinstance(x, Tensor):
        yield from torch.split(x, batch_size or inference_batch_size(x))
    else:
        size = batch_size or inference_batch_size(x)
        yield from iterate_batches(
            x, (torch.arange(start, min(start + size, len(x))) for start in range(0, len(x), size))
        )


MIN_ROWS = 64
"""Minimum number of rows of a batch of flat vectors, see `pad_to_min_rows`."""


def pad_to_min_rows(batch: Batch) -> Batch:
    """Pad a batch of flat vectors to at least ``MIN_ROWS`` rows by repeating its last row.

    Matrix products of few rows use other kernels, which round differently. With padding, the result for a row does not
    depend on the batch size. The caller drops the results of the added rows. Other batches are returned unchanged.
    """
    if not isinstance(batch, Tensor) or batch.dim() != 2 or not 0 < len(batch) < MIN_ROWS:
        return batch
    return torch.cat([batch, batch[-1:].expand(MIN_ROWS - len(batch), -1)])


def take(x: Samples, rows: Int[Tensor, " k"]) -> Samples:
    """Return the samples with the given row numbers. Streamed samples are not decoded yet."""
    if isinstance(x, Batch):
        return x[rows.to(x.device)]
    digest = hashlib.sha256(x.fingerprint.encode() + rows.numpy().tobytes()).hexdigest()[:32]
    return replace(x, shape=(len(rows), *x.shape[1:]), decode=lambda index: x.decode(rows[index]), fingerprint=digest)


def concatenate_samples(first: Samples, second: Samples) -> Samples:
    """Concatenate two sets of samples.

    Raises
    ------
    TypeError
        If only one of them holds graphs.
    """
    if isinstance(first, Graphs) and isinstance(second, Graphs):
        return Graphs.concatenate([first, second])
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return torch.cat([first, second])
    if isinstance(first, Graphs) or isinstance(second, Graphs):
        raise TypeError("graphs can only be concatenated with graphs")

    def decode(index: Tensor) -> Tensor:
        mine = index < len(first)
        out = torch.empty((len(index), *first.shape[1:]), dtype=first.dtype)
        for part, here, rows in ((first, mine, index), (second, ~mine, index - len(first))):
            if here.any():
                out[here] = part[rows[here]].cpu()
        return out

    each = [part.fingerprint if isinstance(part, StreamedSamples) else "" for part in (first, second)]
    return StreamedSamples((len(first) + len(second), *first.shape[1:]), first.dtype, decode, "-".join(each))


def compute_fingerprint(x: Samples) -> str:
    """Return a digest that identifies samples by their content."""
    if isinstance(x, StreamedSamples):
        return x.fingerprint
    digest = hashlib.sha256()
    for tensor in (x,) if isinstance(x, Tensor) else x.tensors():
        digest.update(repr(tuple(tensor.shape)).encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:32]


@overload
def iterate_batches(x: Tensor | StreamedSamples, indexes: Iterable[Tensor]) -> Iterator[Tensor]: ...
@overload
def iterate_batches(x: Graphs, indexes: Iterable[Tensor]) -> Iterator[Graphs]: ...
@overload
def iterate_batches(x: Samples, indexes: Iterable[Tensor]) -> Iterator[Batch]: ...
def iterate_batches(x: Samples, indexes: Iterable[Tensor]) -> Iterator[Batch]:
    """Yield the batch of each index tensor in turn. Streamed samples are decoded ``PREFETCH_BATCHES`` batches ahead."""
    if isinstance(x, Batch):
        for index in indexes:
            yield x[index.to(x.device)]
        return
    # One prefetching thread is enough, because decoding itself is parallel.
    yield from prefetch((partial(x.__getitem__, index) for index in indexes), 1, PREFETCH_BATCHES)
