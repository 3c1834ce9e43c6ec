"""Measure `contramix embed` on large tables, compared with the bare forward pass and a plain read of the file.

python -m bench.speed.embedding [--rows 100000 1000000] [--recipe imix-npair] [--threads 2] [--folder DIR]
                                [--files parquet csv] [--curve FILE]

The tables have 10 numbers and 44 booleans, as CovType, from a seeded generator, as Parquet and as CSV. The encoder is
the recipe's, untrained; embeddings are written as Parquet. Each measurement runs in a process of its own, so that its
peak memory is its own (about 0.3 GB of it are libraries). ``bare`` is the encoder in evaluation mode on 200,000 float32
rows in memory, at the best of five batch sizes. ``read`` reads the file with pyarrow in batches and drops them.

Rows per second are of wall-clock time without imports; ``embed / bare`` is their ratio. On a busy machine the CPU
seconds per million rows say more.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from bench.speed.bigger_than_memory import SECONDS_APART, memory_of

FILES = ("parquet", "csv")
CHUNK = 100_000
BARE_ROWS = 200_000
BATCHES = (256, 512, 1024, 2048, 4096)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--recipe", default="imix-npair")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--folder", type=Path, help="where temporary files of some GB may be written")
    parser.add_argument("--files", nargs="+", default=list(FILES), choices=list(FILES))
    parser.add_argument("--curve", type=Path, help="CSV file to write: seconds, own and file-backed MB of embed")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        from contramix.runtime.memory import keep_freed_memory

        keep_freed_memory()  # as the command line does
        what, path, model, out = options.child
        print(json.dumps(CHILDREN[what](Path(path), Path(model), Path(out))))
        return
    for row in _measured(options.rows, options.recipe, options.threads, options.folder, options.files, options.curve):
        print(
            f"{row['rows']:>10,} rows, {row['file']:7}  embed {row['embed']:>8,.0f} rows/s  bare {row['bare']:>8,.0f}  "
            f"embed / bare {row['embed'] / row['bare']:.2f}  read {row['read']:>9,.0f}  peak {row['peak_mb']:,.0f} MB  "
            f"CPU s per million rows: embed {row['embed_cpu']:.1f}, bare {row['bare_cpu']:.1f}, "
            f"read {row['read_cpu']:.1f}",
            flush=True,
        )


def measure(
    rows: list[int], recipe: str = "imix-npair", threads: int | None = None, folder: Path | None = None
) -> list[dict[str, Any]]:
    """Return a row for each size and kind of file: rows per second, and the peak memory of ``embed`` in MB."""
    return list(_measured(rows, recipe, threads, folder, FILES, None))


def _measured(
    rows: list[int], recipe: str, threads: int | None, folder: Path | None, files: Sequence[str], curve: Path | None
) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        model = Path(temporary) / "model"
        _make_model(model, recipe)
        for count in rows:
            for kind in files:
                path = Path(temporary) / f"numbers.{kind}"
                _make_table(path, count)
                found = {"rows": count, "file": kind}
                for what in CHILDREN:
                    measured = _child(what, path, model, Path(temporary) / "z.parquet", threads, curve)
                    found |= {
                        what: measured["rows"] / measured["seconds"],
                        f"{what}_cpu": 1e6 * measured["cpu"] / measured["rows"],
                    }
                    found |= {"peak_mb": measured["peak_mb"]} if what == "embed" else {}
                path.unlink()
                yield found


def _child(what: str, path: Path, model: Path, out: Path, threads: int | None, curve: Path | None) -> dict[str, float]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads or os.cpu_count()), "GOMP_SPINCOUNT": "1000"}
    line = [sys.executable, "-m", "bench.speed.embedding", "--child", what, str(path), str(model), str(out)]
    began, samples = time.monotonic(), []
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE) as process:
        while curve is not None and what == "embed" and process.poll() is None:
            samples.append((time.monotonic() - began, *memory_of(process.pid)))
            time.sleep(SECONDS_APART)
        output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{' '.join(line)}: exit code {process.returncode}")
    if curve is not None and samples:
        with curve.open("w", newline="") as file:
            csv.writer(file).writerows([("seconds", "own_mb", "file_mb"), *samples])
    out.unlink(missing_ok=True)
    return json.loads(output)


def _timed(rows: int, call: Callable[[], object]) -> dict[str, float]:
    began, cpu = time.perf_counter(), time.process_time()
    call()
    return {"rows": rows, "seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}


def _embed(path: Path, model: Path, out: Path) -> dict[str, float]:
    from contramix.embedding.stream import embed_rows, write_rows
    from contramix.models.pretrained import Pretrained

    loaded = Pretrained.load(model)
    rows = 0

    def embed() -> None:
        nonlocal rows
        data = loaded.read_chunks(path)
        rows = data.rows
        write_rows(out, [], data, loaded.encoder.width, rows, embed_rows(loaded, data, 0, rows))

    found = _timed(1, embed)
    return found | {"rows": rows, "peak_mb": _peak_mb()}


def _peak_mb() -> float:
    """Return the peak memory of this process in MB; getrusage would count that of its parent too."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1e3


def _bare(path: Path, model: Path, out: Path) -> dict[str, float]:
    import torch

    from contramix.models.pretrained import Pretrained

    loaded = Pretrained.load(model)
    x = loaded.spec.tensorize(next(iter(loaded.read_chunks(path))))
    x = x.repeat(-(-BARE_ROWS // len(x)), 1)[:BARE_ROWS]

    def forward(batch: int) -> None:
        with torch.inference_mode():
            for part in x.split(batch):
                loaded.encoder(part)

    forward(BATCHES[0])
    return min((_timed(len(x), lambda batch=batch: forward(batch)) for batch in BATCHES), key=lambda f: f["seconds"])


def _read(path: Path, model: Path, out: Path) -> dict[str, float]:
    rows = 0

    def read() -> None:
        nonlocal rows
        batches = pyarrow.csv.open_csv(path) if path.suffix == ".csv" else pq.ParquetFile(path).iter_batches()
        rows = sum(batch.num_rows for batch in batches)

    return _timed(1, read) | {"rows": rows}


CHILDREN: dict[str, Callable[[Path, Path, Path], dict[str, float]]] = {"embed": _embed, "bare": _bare, "read": _read}


def _make_model(folder: Path, name: str) -> None:
    from contramix import Recipe
    from contramix.models.building import build_encoder
    from contramix.models.pretrained import Pretrained
    from contramix.models.pretraining import learn_spec

    recipe = Recipe.load(name)
    spec, _ = learn_spec(_numbers(CHUNK, 0), recipe)
    Pretrained(recipe, spec, build_encoder(recipe.encoder, spec)).save(folder)


def _make_table(path: Path, rows: int) -> None:
    schema = _numbers(1, 0).schema
    write = pyarrow.csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
    with write(path, schema) as writer:
        for number, first in enumerate(range(0, rows, CHUNK)):
            writer.write_table(_numbers(min(CHUNK, rows - first), number))


def _numbers(rows: int, seed: int) -> pa.Table:
    """Draw rows like CovType's: ten integers, one of 4 areas and one of 40 soils as 0/1 columns."""
    draw = np.random.default_rng(seed)
    columns = {f"q{n}": draw.normal(1000, 300, rows).round().astype(np.int64) for n in range(10)}
    for name, categories in (("area", 4), ("soil", 40)):
        category = draw.integers(0, categories, rows)
        columns |= {f"{name}{n}": (category == n).astype(np.int64) for n in range(categories)}
    return pa.table(columns)


if __name__ == "__main__":
    main()
