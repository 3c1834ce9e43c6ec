"""Shuffle the row numbers of large data sets in little memory, and group row numbers into batches.

Blocks of contiguous rows are put in random order. Consecutive blocks of that order form a window, and the rows of each
window are shuffled. A batch therefore contains rows from hundreds of positions in the data, files are read in entire
blocks, and memory holds the row numbers of one window only.
"""

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Int
from torch import Tensor

from contramix.runtime.randomness import Key

MAX_SHUFFLED_ROWS = 2**22
"""Maximum number of rows that are shuffled all at once, which takes 32 MB. Larger data are shuffled by windows."""
BLOCK, WINDOW = 1024, 256
"""Number of rows per block, and number of blocks per window."""


def shuffle_by_windows(
    rows: int, key: Key, start: int = 0, block: int = BLOCK, window: int = WINDOW
) -> Iterator[Int[Tensor, " k"]]:
    """Yield each row number from 0 to ``rows`` - 1 once, in random order, as one tensor per window of rows.

    Rows are divided into blocks of contiguous rows, and the order of the blocks is shuffled. Each group of consecutive
    blocks in this order is a window, whose rows are shuffled. This needs less memory than a permutation of all rows.

    Parameters
    ----------
    rows
        Number of rows.
    key
        Random key that determines the order.
    start
        Number of row numbers to skip at the beginning of the order, to resume an epoch.
    block, window
        Number of rows per block, and number of blocks per window.

    Examples
    --------
    >>> found = torch.cat(list(shuffle_by_windows(10, Key(0), block=2, window=2)))
    >>> sorted(found.tolist()) == list(range(10))
    True
    """
    blocks = torch.randperm(-(-rows // block), generator=key.generator())
    for number, row_numbers in enumerate(torch.split(blocks, window)):
        candidates = (row_numbers[:, None] * block + torch.arange(block)).flatten()
        candidates = candidates[candidates < rows]
        if start < len(candidates):
            yield candidates[torch.randperm(len(candidates), generator=key.at("window", number).generator())][start:]
        start = max(0, start - len(candidates))


def sample_rows(rows: int, number: int, key: Key) -> Int[Tensor, " k"]:
    """Sample ``number`` of the row numbers 0 to ``rows`` - 1 without replacement, in random order.

    If there are fewer than ``number`` rows, all row numbers are returned.

    Examples
    --------
    >>> sorted(sample_rows(3, 5, Key(0)).tolist())
    [0, 1, 2]
    """
    generator = key.generator()
    if rows <= MAX_SHUFFLED_ROWS or 4 * number > rows:
        return torch.randperm(rows, generator=generator)[:number]
    row_numbers: Tensor = torch.unique(torch.randint(rows, (2 * number,), generator=generator))
    return row_numbers[torch.randperm(len(row_numbers), generator=generator)[:number]]


def rebatch(parts: Iterable[Int[Tensor, " k"]], size: int, total: int) -> Iterator[Int[Tensor, " b"]]:
    """Regroup row numbers from tensors of any length into batches of ``size``, without changing their order.

    The iteration stops after ``total`` row numbers, which must be a multiple of ``size``. If ``parts`` holds fewer, the
    last row numbers that do not fill a batch are dropped.
    """
    waiting = torch.empty(0, dtype=torch.long)
    for part in parts:
        waiting = torch.cat([waiting, part])
        complete = min(len(waiting) // size * size, total)
        yield from torch.split(waiting[:complete], size) if complete else ()
        waiting, total = waiting[complete:], total - complete
        if not total:
            return
