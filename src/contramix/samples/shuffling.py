"""An order of very many rows, of which no list is made: near rows are read together, and shuffled with far ones.

Rows are taken by blocks that lie next to one another, blocks in random order; so many blocks make a window, in which
all rows are shuffled. So a batch is drawn from hundreds of places of the data, a disk reads whole blocks, and memory
holds the row numbers of a window.
"""

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Int
from torch import Tensor

from contramix.runtime.randomness import Key

MAX_SHUFFLED_ROWS = 2**22
"""Up to so many rows, all are shuffled at once: 32 MB of row numbers."""
BLOCK, WINDOW = 1024, 256
"""Rows of a block, and blocks of a window."""


def shuffle_by_windows(
    rows: int, key: Key, start: int = 0, block: int = BLOCK, window: int = WINDOW
) -> Iterator[Int[Tensor, " k"]]:
    """All row numbers, each once, window by window.

    Parameters
    ----------
    rows
        How many there are.
    key
        Decides the order.
    start
        How many, of the beginning of the order, are left out.
    block, window
        Rows of a block, and blocks of a window.

    Examples
    --------
    >>> found = torch.cat(list(shuffle_by_windows(10, Key(0), block=2, window=2)))
    >>> sorted(found.tolist()) == list(range(10))
    True
    """
    blocks = torch.randperm(-(-rows // block), generator=key.generator())
    for number, some in enumerate(torch.split(blocks, window)):
        mine = (some[:, None] * block + torch.arange(block)).flatten()
        mine = mine[mine < rows]
        if start < len(mine):
            yield mine[torch.randperm(len(mine), generator=key.at("window", number).generator())][start:]
        start = max(0, start - len(mine))


def sample_rows(rows: int, number: int, key: Key) -> Int[Tensor, " k"]:
    """Different row numbers in random order: so many, or all there are.

    Examples
    --------
    >>> sorted(sample_rows(3, 5, Key(0)).tolist())
    [0, 1, 2]
    """
    generator = key.generator()
    if rows <= MAX_SHUFFLED_ROWS or 4 * number > rows:
        return torch.randperm(rows, generator=generator)[:number]
    some: Tensor = torch.unique(torch.randint(rows, (2 * number,), generator=generator))
    return some[torch.randperm(len(some), generator=generator)[:number]]


def rebatch(parts: Iterable[Int[Tensor, " k"]], size: int, total: int) -> Iterator[Int[Tensor, " b"]]:
    """Row numbers that come in parts of any length, in parts of one size, ``total`` of them, a multiple of it."""
    waiting = torch.empty(0, dtype=torch.long)
    for part in parts:
        waiting = torch.cat([waiting, part])
        whole = min(len(waiting) // size * size, total)
        yield from torch.split(waiting[:whole], size) if whole else ()
        waiting, total = waiting[whole:], total - whole
        if not total:
            return
