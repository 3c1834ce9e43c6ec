"""All samples of a run: a tensor or packed graphs where they fit into memory, else decoded when they are asked for."""

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
"""Batches that are decoded ahead of the one in use: enough to hide the decoding, few enough to be small."""


@dataclass(frozen=True)
class StreamedSamples:
    """Samples that are decoded in parallel when they are asked for; memory holds a few batches, never all.

    Parameters
    ----------
    shape, dtype
        Of all samples together: ``(n, *one)``.
    decode
        From row numbers to samples on the CPU.
    fingerprint
        Stands for the data.
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
        """The same samples; what is decoded goes to a device."""
        return replace(self, device=torch.device(device))


Batch = Tensor | Graphs
"""Samples that lie in memory."""
Samples = Batch | StreamedSamples
"""All samples of a run: ``len(x)``, ``x[rows]``, ``x.to(device)``."""


MAX_BATCH_VALUES = 2**21
"""Numbers that are sent through an encoder at once where no gradient is needed: enough to be fast, and small."""
MAX_BATCH_ROWS = 8192
MAX_BATCH_NODES = 2**15
"""Of graphs: each node becomes a few hundred numbers a layer; and so does each token of texts."""


def inference_batch_size(x: Samples) -> int:
    """How many samples are encoded at once: fewer of large ones."""
    if isinstance(x, Graphs):
        return max(32, min(MAX_BATCH_ROWS, MAX_BATCH_NODES * len(x) // max(1, len(x.x))))
    at_once = MAX_BATCH_NODES if x.dtype == torch.int32 else MAX_BATCH_VALUES
    return max(32, min(MAX_BATCH_ROWS, at_once // max(1, math.prod(x.shape[1:]))))


def sequential_batches(x: Samples, batch_size: int | None = None) -> Iterator[Batch]:
    """All samples, batch by batch."""
    if isinstance(x, Tensor):
        yield from torch.split(x, batch_size or inference_batch_size(x))
    else:
        size = batch_size or inference_batch_size(x)
        yield from iterate_batches(
            x, (torch.arange(start, min(start + size, len(x))) for start in range(0, len(x), size))
        )


MIN_ROWS = 64


def pad_to_min_rows(batch: Batch) -> Batch:
    """The batch, with its last row again and again behind it where it is of few flat vectors.

    Products of few rows are computed in other ways, which round otherwise; so a row's result does not depend on how
    many come with it. The caller leaves out the results of what was added.
    """
    if not isinstance(batch, Tensor) or batch.dim() != 2 or not 0 < len(batch) < MIN_ROWS:
        return batch
    return torch.cat([batch, batch[-1:].expand(MIN_ROWS - len(batch), -1)])


def take(x: Samples, rows: Int[Tensor, " k"]) -> Samples:
    """Some samples; of streamed ones none is decoded yet."""
    if isinstance(x, Batch):
        return x[rows.to(x.device)]
    digest = hashlib.sha256(x.fingerprint.encode() + rows.numpy().tobytes()).hexdigest()[:32]
    return replace(x, shape=(len(rows), *x.shape[1:]), decode=lambda index: x.decode(rows[index]), fingerprint=digest)


def concatenate_samples(first: Samples, second: Samples) -> Samples:
    """The samples of both, one after the other."""
    if isinstance(first, Graphs) and isinstance(second, Graphs):
        return Graphs.joined([first, second])
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return torch.cat([first, second])
    if isinstance(first, Graphs) or isinstance(second, Graphs):
        raise TypeError("graphs are joined with graphs")

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
    """Stands for samples: the same ones give the same, whatever they came from."""
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
    """The samples of each index in turn; streamed ones are decoded ahead, by a queue of a few batches."""
    if isinstance(x, Batch):
        for index in indexes:
            yield x[index.to(x.device)]
        return
    # One thread asks; decoding itself is parallel.
    yield from prefetch((partial(x.__getitem__, index) for index in indexes), 1, PREFETCH_BATCHES)
