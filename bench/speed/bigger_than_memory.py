"""Measure time and memory of pre-training on a table that is read into a cache first.

python -m bench.speed.bigger_than_memory --rows 50000000 --steps 1000 --folder DIR [--curve memory.csv]

DIR needs room for the Parquet file and the cache: about 11 GB each for 50 million rows of 54 columns. The rows come
from a seeded generator: 50 numbers from a mixture of eight Gaussians, an integer, two booleans and a text column with
ten categories. ``contramix pretrain --cache always`` runs in a process of its own, whose memory is sampled twice a
second: RssAnon is its own memory, RssFile are pages of the cache and of libraries, which the system may drop.
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

CHUNK = 2**18
SECONDS_APART = 0.5
PHASES = ("learning the columns", "writing the cache", "training")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--curve", type=Path, help="CSV file to write: seconds, phase, own and file-backed MB")
    options = parser.parse_args()
    for row in measure(options.rows, options.steps, options.folder, options.curve):
        print("  ".join(f"{k} {v:.4g}" if isinstance(v, float) else str(v) for k, v in row.items()))


def measure(rows: int, steps: int, folder: Path, curve: Path | None = None) -> list[dict[str, Any]]:
    """Return a row for each phase: its seconds, and the peak memory of the process in MB."""
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
    found = [sample for sample in samples if sample[1] == phase]
    return {
        "rows": rows,
        "phase": phase,
        "seconds": found[-1][0] - found[0][0] if found else 0.0,
        "own_mb": max((own for _, _, own, _ in found), default=0.0),
        "file_mb": max((of_files for *_, of_files in found), default=0.0),
    }


def _phase(run: Path) -> str:
    if not (run / "cache").is_dir():
        return PHASES[0]
    return PHASES[2] if (run / "cache" / "cache.json").is_file() else PHASES[1]


def _step(run: Path) -> int:
    """Return the last step in the run's log, 0 without a log."""
    log = run / "log.jsonl"
    steps = re.findall(r'"step": (\d+)', log.read_text()) if log.is_file() else []
    return int(steps[-1]) if steps else 0


def memory_of(pid: int) -> tuple[float, float]:
    """Return the own and the file-backed memory of a process, in MB."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0, 0.0
    found = dict(re.findall(r"(RssAnon|RssFile):\s+(\d+) kB", status))
    return int(found.get("RssAnon", 0)) / 1000, int(found.get("RssFile", 0)) / 1000


def write_rows(path: Path, rows: int) -> None:
    """Write the table in chunks; the same number of rows gives the same rows."""
    schema = pa.schema(
        [(f"x{n}", pa.float32()) for n in range(50)]
        + [("count", pa.int64()), ("seen", pa.bool_()), ("known", pa.bool_()), ("kind", pa.string())]
    )
    centers = np.random.default_rng(0).normal(size=(8, 50)).astype(np.float32)
    with pq.ParquetWriter(path, schema) as writer:
        for chunk, start in enumerate(range(0, rows, CHUNK)):
            draw, number = np.random.default_rng([1, chunk]), min(CHUNK, rows - start)
            bump = draw.integers(0, 8, number)
            x = centers[bump] + draw.standard_normal((number, 50), np.float32)
            columns = [*x.T, draw.poisson(3, number), bump % 2 == 0, draw.random(number) < 0.3]
            kinds = np.array([f"kind {n}" for n in range(10)])[draw.integers(0, 10, number)]
            writer.write_table(pa.table([*map(pa.array, columns), pa.array(kinds)], schema=schema))


if __name__ == "__main__":
    main()
