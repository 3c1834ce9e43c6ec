"""Measure time and memory of the contrastive loss, which runs in blocks, compared with the dense formula.

python -m bench.speed.losses [--largest 65536]

Vectors have 128 numbers, soft targets 1, 2 and 4 entries. Times, forward and backward, are medians over rounds that
time both one after the other. Memory is what a process of its own holds at most beyond what it held before. Where the
dense formula would not fit, its memory is computed: N x N float32 similarities and two more tensors of that size.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from contramix.methods.losses import info_nce
from contramix.runtime.memory import keep_freed_memory
from contramix.types import Targets

SIZES = (256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
ENTRIES = (1, 2, 4)
WIDTH, TEMPERATURE = 128, 0.2
LARGEST_DENSE = 16384
"""Largest N for the dense formula; a larger one may need more memory than the machine has."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--memory-of", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        name, n, entries = options.memory_of
        print(json.dumps(added_memory(LOSSES[name], int(n), int(entries))))
        return
    keep_freed_memory()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        f"{'N':>6} {'entries':>7} {'dense ms':>9} {'ms':>9} {'share':>6} {'dense MB':>9} {'MB':>7} {'difference':>10}"
    )
    for row in measure(options.largest):
        print(
            f"{row['n']:6} {row['entries']:7} {row['dense_ms'] or 0:9.1f} {row['ms']:9.1f} {row['share'] or 0:6.2f} "
            f"{row['dense_mb']:9.0f} {row['mb']:7.0f} {row['difference'] or 0:10.1e}"
        )


def dense(query: Tensor, key: Tensor, targets: Targets, temperature: float) -> Tensor:
    """Compute the loss by the formula as it is usually written."""
    logits = query @ key.T / temperature
    return (logits.logsumexp(1) - (targets.weight * logits.gather(1, targets.index)).sum(1)).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor, Targets, float], Tensor]] = {"dense": dense, "blocks": info_nce}


def measure(largest: int = SIZES[-1]) -> Iterator[dict[str, Any]]:
    """Yield a row for each size and number of entries."""
    for n in (size for size in SIZES if size <= largest):
        for entries in ENTRIES if n <= 4096 else ENTRIES[1:2]:
            names = ["dense", "blocks"] if n <= LARGEST_DENSE else ["blocks"]
            found: dict[str, list[tuple[float, Tensor]]] = {name: [] for name in names}
            for _ in range(max(2 if n <= LARGEST_DENSE else 1, min(15, 2 * 10**8 // n**2))):
                for name in names:
                    found[name].append(once(LOSSES[name], *vectors(n, entries)))
            times = {name: [seconds for seconds, _ in each] for name, each in found.items()}
            both = len(names) == 2
            apart = (found["blocks"][0][1] - found["dense"][0][1]).abs().max() if both else None
            largest_gradient = found["blocks"][0][1].abs().max()
            yield {
                "n": n,
                "entries": entries,
                "dense_ms": 1000 * median(times["dense"]) if both else None,
                "ms": 1000 * median(times["blocks"]),
                "share": median(b / a for a, b in zip(times["dense"], times["blocks"])) if both else None,
                "dense_mb": in_a_process("dense", n, entries) if both else 3 * 4 * n * n / 2**20,
                "dense_mb_is": "measured" if both else "worked out",
                "mb": in_a_process("blocks", n, entries),
                "difference": None if apart is None else float(apart / largest_gradient),
            }


def vectors(n: int, entries: int) -> tuple[Tensor, Tensor, Targets]:
    """Return queries, keys and soft targets; the same sizes give the same values."""
    g = torch.Generator().manual_seed(0)
    query, key = (normalize(torch.randn(n, WIDTH, generator=g), dim=1).requires_grad_() for _ in range(2))
    weight = torch.rand(n, entries, generator=g)
    index = torch.randint(n, (n, entries), generator=g)
    return query, key, Targets(index, weight / weight.sum(1, keepdim=True))


def once(
    loss: Callable[[Tensor, Tensor, Targets, float], Tensor], query: Tensor, key: Tensor, targets: Targets
) -> tuple[float, Tensor]:
    """Return the seconds of forward and backward, and both gradients."""
    began = time.perf_counter()
    loss(query, key, targets, TEMPERATURE).backward()
    seconds = time.perf_counter() - began
    assert query.grad is not None
    assert key.grad is not None
    return seconds, torch.cat([query.grad, key.grad])


def added_memory(loss: Callable[[Tensor, Tensor, Targets, float], Tensor], n: int, entries: int) -> float:
    """Return the megabytes that the loss of n vectors adds to the peak memory of this process."""
    once(loss, *vectors(64, entries))
    given = vectors(n, entries)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    before = peak()
    once(loss, *given)
    return peak() - before


def peak() -> float:
    """Return the peak memory of this process in MB; getrusage would count that of its parent too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def in_a_process(name: str, n: int, entries: int) -> float:
    """Return ``added_memory`` of a process of its own."""
    call = [sys.executable, "-m", "bench.speed.losses", "--memory-of", name, str(n), str(entries)]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout))


if __name__ == "__main__":
    main()
