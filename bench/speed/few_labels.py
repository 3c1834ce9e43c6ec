"""Measure what learning from few labels costs: a comparison, and the default classifier.

python -m bench.speed.few_labels --adult FILE

FILE is Adult as CSV, with or without a header. All but 200 (for the comparison) or 40 (for the classifier) of its
labels are removed. Processor times are those of all threads of a process; the classifier's is also given as a multiple
of one pre-training with the recipe ``npair`` on the same rows.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from contramix.io.tables.reading import read

PRETRAIN = """
import sys, pyarrow.parquet as pq
from contramix import ContrastiveEncoder
table = pq.read_table(sys.argv[1])
ContrastiveEncoder("npair", random_state=0).fit(table.drop_columns(table.column_names[-1]))
"""
FIT = """
import sys, pyarrow.parquet as pq
from contramix import ContrastiveClassifier
table = pq.read_table(sys.argv[1])
x, y = table.drop_columns(table.column_names[-1]), table.column(table.num_columns - 1)
ContrastiveClassifier(random_state=0).fit(x, y.to_numpy(zero_copy_only=False)).save(sys.argv[2])
"""
PREDICT = """
import sys, time, pyarrow.parquet as pq, contramix
import contramix.estimators.classifier
table = pq.read_table(sys.argv[1])
x = table.drop_columns(table.column_names[-1]).slice(0, 10_000)
began = time.perf_counter()
model = contramix.load(sys.argv[2])
loaded = time.perf_counter()
model.predict_proba(x)
print(loaded - began, time.perf_counter() - loaded)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adult", type=Path, required=True)
    for row in measure(parser.parse_args().adult):
        print(row)


def measure(adult: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each measurement."""
    table = read(adult).table
    target = table.column_names[-1]
    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder) / "adult.csv"
        pc.write_csv(_keep_labels(table, 200), few)
        ask = ["compare", str(few), "--target", target, "--recipes", "npair,imix-npair", "--out", f"{folder}/compare"]
        seconds = _processor_seconds("-m", "contramix", *ask, "--quiet")
        yield {"what": f"compare: 200 labels in {table.num_rows:,} rows, two recipes", "processor_seconds": seconds}
        rows = str(Path(folder) / "rows.parquet")
        pq.write_table(_keep_labels(table.slice(0, 20_000), 40), rows)
        once = _processor_seconds("-c", PRETRAIN, rows)
        yield {"what": "npair: pre-train on 20,000 rows", "processor_seconds": once}
        fit = _processor_seconds("-c", FIT, rows, f"{folder}/model")
        what = "ContrastiveClassifier: fit 20,000 rows, 40 labels"
        yield {"what": what, "processor_seconds": fit, "share": round(fit / once, 2)}
        size = sum(path.stat().st_size for path in Path(folder, "model").rglob("*") if path.is_file())
        ask = [sys.executable, "-c", PREDICT, rows, f"{folder}/model"]
        done = subprocess.run(ask, check=True, capture_output=True, text=True).stdout
        load, predict = map(float, done.split())
        yield {"what": "the same: load", "seconds": round(load, 2), "megabytes": round(size / 1e6, 1)}
        yield {"what": "the same: predict 10,000 rows", "seconds": round(predict, 2)}


def _keep_labels(table: pa.Table, number: int) -> pa.Table:
    """Remove all but some labels, which are the last column; as many of each class remain, drawn at random."""
    labels = table.column(table.num_columns - 1).to_numpy(zero_copy_only=False)
    rng, kept = np.random.default_rng(0), np.zeros(len(labels), bool)
    for label in np.unique(labels):
        kept[rng.permutation(np.flatnonzero(labels == label))[: number // 2]] = True
    name = table.column_names[-1]
    return table.set_column(table.num_columns - 1, name, pa.array(np.where(kept, labels, None), pa.string()))


def _processor_seconds(*arguments: str) -> float:
    """Run Python with these arguments, and return the processor time that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{time.perf_counter() - began:.0f} s of wall-clock time", file=sys.stderr)
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)


if __name__ == "__main__":
    main()
