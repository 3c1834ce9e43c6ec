"""Memory and time of pre-training on a table that is read into a cache first: its curve, and its peak.

python -m bench.speed.bigger_than_memory --rows 50000000 --steps 1000 --folder DIR [--curve memory.csv]

DIR needs room for the Parquet file and the cache: at 50 million rows of 54 columns, about 11 GB each. The rows are
drawn from a seeded generator (50 numbers of a mixture of eight bumps, a whole number, two booleans and a text of ten
levels), written in portions. ``contramix pretrain --cache always`` runs in a process of its own, and is asked twice a
second what it holds: RssAnon is its own, RssFile are pages of the cache and of libraries, which the system may drop.
"""

import argparse
import csv
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PORTION = 2**18
SECONDS_APART = 0.5
PHASES = ("learning the columns", "writing the cache", "training")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--curve", type=Path, help="where to write seconds, phase, own and file-backed MB")
    given = parser.parse_args()
    for row in measure(given.rows, given.steps, given.folder, given.curve):
        print("  ".join(f"{k} {v:.4g}" if isinstance(v, float) else str(v) for k, v in row.items()))


def measure(rows: int, steps: int, folder: Path, curve: Path | None = None) -> list[dict[str, Any]]:
    """A row for each phase: its seconds, and the most memory that the process held in it, in MB."""
    data, run = folder / f"rows-{rows}.parquet", folder / f"run-{rows}"
    if not data.exists():
        write_rows(data, rows)
    command = [sys.executable, "-m", "contramix.cli", "pretrain", str(data), "--out", str(run), "--cache", "always"]
    process = subprocess.Popen([*command, "--epochs", "1"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    samples: list[tuple[float, str, float, float]] = []
    began = time.monotonic()
    while process.poll() is None:
        phase = _phase(run)
        own, of_files = memory_of(process.pid)
        samples.append((time.monotonic() - began, phase, own, of_files))
        if phase == "training" and _step(run) >= steps:
            process.send_signal(signal.SIGINT)
            process.wait()
        time.sleep(SECONDS_APART)
    if process.returncode not in (0, 128 + signal.SIGINT):
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    if curve:
        with curve.open("w", newline="") as file:
            csv.writer(file).writerows([("seconds", "phase", "own_mb", "file_mb"), *samples])
    return [_summary(rows, phase, samples) for phase in PHASES]


def _summary(rows: int, phase: str, samples: list[tuple[float, str, float, float]]) -> dict[str, Any]:
    mine = [sample for sample in samples if sample[1] == phase]
    return {
        "rows": rows,
        "phase": phase,
        "seconds": mine[-1][0] - mine[0][0] if mine else 0.0,
        "own_mb": max((own for _, _, own, _ in mine), default=0.0),
        "file_mb": max((of_files for *_, of_files in mine), default=0.0),
    }


def _phase(run: Path) -> str:
    if not (run / "cache").is_dir():
        return PHASES[0]
    return PHASES[2] if (run / "cache" / "cache.json").is_file() else PHASES[1]


def _step(run: Path) -> int:
    """The last step in the run's log."""
    log = run / "log.jsonl"
    steps = re.findall(r'"step": (\d+)', log.read_text()) if log.is_file() else []
    return int(steps[-1]) if steps else 0


def memory_of(pid: int) -> tuple[float, float]:
    """Own and file-backed MB that a process holds."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0, 0.0
    found = dict(re.findall(r"(RssAnon|RssFile):\s+(\d+) kB", status))
    return int(found.get("RssAnon", 0)) / 1000, int(found.get("RssFile", 0)) / 1000


def write_rows(path: Path, rows: int) -> None:
    """The table, written in portions; the same rows for the same number of rows."""
    schema = pa.schema(
        [(f"x{n}", pa.float32()) for n in range(50)]
        + [("count", pa.int64()), ("seen", pa.bool_()), ("known", pa.bool_()), ("kind", pa.string())]
    )
    centres = np.random.default_rng(0).normal(size=(8, 50)).astype(np.float32)
    with pq.ParquetWriter(path, schema) as writer:
        for portion, start in enumerate(range(0, rows, PORTION)):
            draw, number = np.random.default_rng([1, portion]), min(PORTION, rows - start)
            bump = draw.integers(0, 8, number)
            x = centres[bump] + draw.standard_normal((number, 50), np.float32)
            columns = [*x.T, draw.poisson(3, number), bump % 2 == 0, draw.random(number) < 0.3]
            kinds = np.array([f"kind {n}" for n in range(10)])[draw.integers(0, 10, number)]
            writer.write_table(pa.table([*map(pa.array, columns), pa.array(kinds)], schema=schema))


if __name__ == "__main__":
    main()
