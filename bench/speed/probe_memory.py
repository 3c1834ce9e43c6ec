"""Measure time and memory of probes on features in a memory-mapped file.

python -m bench.speed.probe_memory --folder DIR                    # 500,000 x 2,048: 4.1 GB of disk

The features are random, of low rank, with seven classes; a fifth of the rows is the test split. Prints for each probe
the time, the accuracy, and the peak anonymous memory of the process (RssAnon of /proc/self/status, sampled 20 times a
second), which cannot be dropped as pages of the file can. By default the logistic regression makes 10 iterations, which
read the same blocks as many; ``--iterations 300`` is the library's number.
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from contramix.evaluation.probes import PROBES, logistic
from contramix.evaluation.problem import PredictionProblem
from contramix.models.task import Task

CLASSES, RANK = 7, 64


def anonymous() -> int:
    """Return the bytes of anonymous memory that this process holds."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


class Peak:
    """Record the peak anonymous memory between entering and leaving."""

    def __enter__(self) -> "Peak":
        self.bytes, self.open = anonymous(), True
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self) -> None:
        """Sample the memory until the context is left."""
        while self.open:
            self.bytes = max(self.bytes, anonymous())
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self.open = False
        self.thread.join()


def features(file: object, rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Write features that partly predict a class to a file; return them memory-mapped, and the classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, rows)
    spread, centers = rng.normal(size=(RANK, width)), rng.normal(size=(CLASSES, RANK))
    z = np.memmap(file, np.float32, "w+", shape=(rows, width))
    for start in range(0, rows, 8192):
        part = y[start : start + 8192]
        hidden = centers[part] * 0.3 + rng.normal(size=(len(part), RANK))
        z[start : start + 8192] = hidden @ spread + 0.1 * rng.normal(size=(len(part), width))
    z.flush()
    return z, y


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--probes", default="least-squares,linear")
    parser.add_argument("--iterations", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryFile(dir=args.folder) as file:
        z, y = features(file, args.rows, args.width)
    order = np.random.default_rng(1).permutation(args.rows)
    train, test = np.sort(order[args.rows // 5 :]), np.sort(order[: args.rows // 5])
    task = Task("classification", "class", tuple(map(str, range(CLASSES))))
    print(f"{args.rows:,} x {args.width:,}: {z.nbytes / 1e9:.1f} GB in a file; before: {anonymous() / 1e9:.2f} GB")
    logistic.ITERATIONS = args.iterations
    for name in args.probes.split(","):
        began = time.monotonic()
        with Peak() as peak:
            predicted = PROBES[name](PredictionProblem(task, train, y[train], test), z)
        seconds, accuracy = time.monotonic() - began, (predicted.value == y[test]).mean()
        print(
            f"{name}: {seconds:.0f} s, accuracy {accuracy:.3f} {predicted.chosen}, {peak.bytes / 1e9:.2f} GB",
            flush=True,
        )


if __name__ == "__main__":
    main()
