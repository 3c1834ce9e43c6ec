"""Represent all samples of a data set, and iterate over them by batch.

Samples are a tensor or packed graphs in memory, or they are decoded from their files each time they are indexed.
"""

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
"""Number of batches decoded before they are needed: enough to hide the decoding time, few enough to fit in memory."""


@dataclass(frozen=True)
class StreamedSamples:
    """Represent samples that are decoded when they are indexed, for data that do not fit in memory.

    Index it like a tensor, with a slice, row numbers or a boolean mask. The result is a tensor of decoded samples.

    Parameters
    ----------
    shape, dtype
        Shape (number of samples, *shape of a sample) and data type, as of a tensor of all samples.
    decode
        Function that takes row numbers and returns the decoded samples as a CPU tensor.
    fingerprint
        Hash of the data as text, by which a later process recognizes that the data are the same.
    device
        Device to which decoded samples are moved. Default: the CPU.
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
        """Return a copy that moves samples to ``device`` after decoding. Nothing is decoded yet."""
        return replace(self, device=torch.device(device))


Batch = Tensor | Graphs
"""Type of samples in memory: a tensor with the sample axis first, or packed graphs."""
Samples = Batch | StreamedSamples
"""Type of all samples of a data set. Every one supports ``len(x)``, ``x[rows]`` and ``x.to(device)``."""


MAX_BATCH_VALUES = 2**21
"""Maximum number of input values in a batch for inference: large enough to be fast, small enough for memory."""
MAX_BATCH_ROWS = 8192
"""Maximum number of samples in a batch for inference."""
MAX_BATCH_NODES = 2**15
"""Maximum number of graph nodes or text tokens in a batch for inference. Each becomes hundreds of values per layer."""


def inference_batch_size(x: Samples) -> int:
    """Return the batch size for inference on samples like ``x``: from 32 for large samples to 8192 for small ones."""
    if isinstance(x, Graphs):
        return max(32, min(MAX_BATCH_ROWS, MAX_BATCH_NODES * len(x) // max(1, len(x.x))))
    at_once = MAX_BATCH_NODES if x.dtype == torch.int32 else MAX_BATCH_VALUES
    return max(32, min(MAX_BATCH_ROWS, at_once // max(1, math.prod(x.shape[1:]))))


def sequential_batches(x: Samples, batch_size: int | None = None) -> Iterator[Batch]:
    """Yield all samples in order, in batches of ``batch_size``; the last batch can be smaller.

    None: the batch size that `inference_batch_size` returns for ``x``.
    """
    if isinstance(x, Tensor):
        yield from torch.split(x, batch_size or inference_batch_size(x))
    else:
        size = batch_size or inference_batch_size(x)
        yield from iterate_batches(
            x, (torch.arange(start, min(start + size, len(x))) for start in range(0, len(x), size))
        )


MIN_ROWS = 64
"""Minimum number of rows of a 2-D batch that is passed to an encoder. `pad_to_min_rows` gives the reason."""


def pad_to_min_rows(batch: Batch) -> Batch:
    """Pad a 2-D batch with fewer than 64 rows to 64 by repeating its last row. Return all other batches unchanged.

    Matrix products of few rows use other kernels, which round differently. With padding, the output for a row does not
    depend on the size of its batch. The caller must drop the outputs of the added rows.
    """
    if not isinstance(batch, Tensor) or batch.dim() != 2 or not 0 < len(batch) < MIN_ROWS:
        return batch
    return torch.cat([batch, batch[-1:].expand(MIN_ROWS - len(batch), -1)])


def take(x: Samples, rows: Int[Tensor, " k"]) -> Samples:
    """Return the samples with the given row numbers, in this order.

    Of `StreamedSamples`, nothing is decoded yet: the result is `StreamedSamples` again.
    """
    if isinstance(x, Batch):
        return x[rows.to(x.device)]
    digest = hashlib.sha256(x.fingerprint.encode() + rows.numpy().tobytes()).hexdigest()[:32]
    return replace(x, shape=(len(rows), *x.shape[1:]), decode=lambda index: x.decode(rows[index]), fingerprint=digest)


def concatenate_samples(first: Samples, second: Samples) -> Samples:
    """Concatenate two sets of samples along the sample axis.

    Two tensors give a tensor, and two batches of graphs give a batch of graphs. If at least one argument is
    `StreamedSamples`, the result is `StreamedSamples`.

    Raises
    ------
    TypeError
        If one argument holds graphs and the other does not.
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
    """Return a hash of the samples as text, by which the same data are recognized in a later process.

    It is computed from all values and shapes. For `StreamedSamples`, it is their ``fingerprint``.
    """
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
    """Yield ``x[index]`` for each tensor of row numbers in ``indexes``.

    Streamed samples are decoded in the background, up to ``PREFETCH_BATCHES`` batches before they are needed.
    """
    if isinstance(x, Batch):
        for index in indexes:
            yield x[index.to(x.device)]
        return
    # One prefetching thread is enough, because decoding itself is parallel.
    yield from prefetch((partial(x.__getitem__, index) for index in indexes), 1, PREFETCH_BATCHES)
