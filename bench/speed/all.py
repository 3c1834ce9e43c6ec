"""Measure all parts of bench/speed/RESULTS.md, one after the other.

python -m bench.speed.all [--parts steps losses ...]
python -m bench.write_results

Each part is a script of this folder, which says what it measures and can be run alone. Rows go to
bench/results/speed.jsonl as they are finished. Use a quiet machine: ratios compare times of one run, but other programs
also take caches and cores.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import torch

from bench import result_lines
from contramix.runtime.memory import keep_freed_memory

SUITE = "speed"
Rows = Iterable[dict[str, Any]]


def steps(options: argparse.Namespace) -> Rows:
    """Measure training steps, compared with the bare pass, in float32 and in bfloat16."""
    from bench.speed.steps import OF_DOMAIN, measure

    for domain in OF_DOMAIN:
        for precision in ("float32", "bfloat16"):
            for row in measure(domain, precision, options.rounds):
                yield {"precision": precision, **row}


def profiled(options: argparse.Namespace) -> Rows:
    """Measure where the time of a step goes."""
    from bench.speed.profiled import measure

    return measure()


def peers(options: argparse.Namespace) -> Rows:
    """Measure the same step in other libraries, in an environment of their own."""
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        where = ["--env", str(options.peers_env)] if options.peers_env else []
        subprocess.run([sys.executable, "-m", "bench.speed.peers", *where, "--json", out.name], check=True)
        yield from json.loads(Path(out.name).read_text())


def losses(options: argparse.Namespace) -> Rows:
    """Measure the losses alone."""
    from bench.speed.losses import measure

    return measure()


def embedding(options: argparse.Namespace) -> Rows:
    """Measure embedding of files with many rows."""
    from bench.speed.embedding import measure

    return measure(options.embed_rows, folder=options.folder)


def reading(options: argparse.Namespace) -> Rows:
    """Measure reading of tables, compared with polars."""
    from bench.speed.reading import measure

    return measure(adult=options.adult)


def bigger_than_memory(options: argparse.Namespace) -> Rows:
    """Measure time and memory of training from a cache."""
    from bench.speed.bigger_than_memory import measure

    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        return measure(options.large_rows, 200, Path(folder))


def startup(options: argparse.Namespace) -> Rows:
    """Measure the time until something happens."""
    from bench.speed.startup import measure

    return measure()


def accuracy(options: argparse.Namespace) -> Rows:
    """Measure the time to an accuracy."""
    from bench.speed.accuracy import measure

    return measure(options.seeds)


def few_labels(options: argparse.Namespace) -> Rows:
    """Measure what learning from few labels costs."""
    from bench.speed.few_labels import measure

    return measure(options.adult) if options.adult else ()


PARTS: dict[str, Callable[[argparse.Namespace], Rows]] = {
    "steps": steps,
    "profiled": profiled,
    "peers": peers,
    "losses": losses,
    "embedding": embedding,
    "reading": reading,
    "bigger_than_memory": bigger_than_memory,
    "startup": startup,
    "accuracy": accuracy,
    "few_labels": few_labels,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS), help="all of them by default")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of the part steps")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of the part accuracy")
    parser.add_argument("--embed-rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument(
        "--large-rows", type=int, default=2_000_000, help="rows of the table that is trained from a cache"
    )
    parser.add_argument(
        "--adult",
        type=Path,
        help="Adult as CSV, for reading a table with columns of many kinds, and for learning from few labels",
    )
    parser.add_argument("--peers-env", type=Path, help="where the other libraries are, or will be, installed")
    parser.add_argument("--folder", type=Path, help="where temporary files of some GB may be written")
    options = parser.parse_args()
    keep_freed_memory()
    for name in options.parts:
        began, rows = time.monotonic(), []
        facts = circumstances()
        for row in PARTS[name](options):
            rows.append(row)
            print(name, json.dumps(row), flush=True)
            keep(name, {**facts, "seconds": round(time.monotonic() - began)}, rows)


def keep(part: str, facts: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Replace the lines of a part in bench/results/speed.jsonl."""
    ids = {"suite": SUITE, "block": part}
    result_lines.replace_lines(
        [{"line": "block", **ids, **facts}, *({"line": "run", **ids, "measured": row} for row in rows)]
    )


def circumstances() -> dict[str, Any]:
    """Return commit, date, machine, load, and the rate of matrix products."""
    return {
        "commit": result_lines.current_commit() or None,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, {torch.get_num_threads()} threads",
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 1),
        "gflops": {str(dtype).removeprefix("torch."): product_rate(dtype) for dtype in (torch.float32, torch.bfloat16)},
    }


def product_rate(dtype: torch.dtype, side: int = 1024, repeats: int = 15) -> float:
    """Return GFLOP/s of products of square matrices."""
    a, b = (torch.randn(side, side).to(dtype) for _ in range(2))
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        a @ b
        times.append(time.perf_counter() - began)
    return round(2 * side**3 / median(times) / 1e9, 1)


if __name__ == "__main__":
    main()
