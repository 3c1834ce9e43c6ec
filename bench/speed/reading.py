"""Measure reading a table and encoding it as samples, compared with polars reading the same file.

python -m bench.speed.reading [--rows 500000] [--adult adult.data.csv.gz]

``numbers`` has 10 numbers and 44 booleans, as CovType, from a seeded generator; polars reads it into one float32 array.
``mixed`` are the rows of Adult, repeated; polars only reads them. Our time is that of ``read`` and ``spec.tensorize``,
with a specification learned before, whose time is reported as ``describe``. Both use the same number of threads. Times
are medians of wall-clock time, measured in turn in one run. The ratio is what counts; on a busy machine, that of CPU
times.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--adult", type=Path, help="adult.data.csv.gz; without it only numbers are read")
    options = parser.parse_args()
    for row in measure(options.rows, options.adult):
        print("  ".join(f"{k} {v:.3g}" if isinstance(v, float) else str(v) for k, v in row.items()))


def measure(rows: int = 500_000, adult: Path | None = None) -> list[dict[str, Any]]:
    """Return a row for each file: seconds, and ratios of our time to that of polars."""
    os.environ.setdefault("POLARS_MAX_THREADS", str(pa.cpu_count()))  # before polars is imported
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        tables = {"numbers": _numbers(rows)} | ({"mixed": _adult(adult, rows)} if adult else {})
        for name, table in tables.items():
            for kind, write in (("csv", pyarrow.csv.write_csv), ("parquet", pq.write_table)):
                path = Path(folder) / f"{name}.{kind}"
                write(table, path)
                measured.append(
                    {"table": name, "file": kind, "rows": rows} | _compared_with_polars(path, name == "numbers")
                )
                path.unlink()
    return measured


def _compared_with_polars(path: Path, to_array: bool) -> dict[str, float]:
    import polars

    from contramix.domains.table.settings import TableSettings
    from contramix.domains.table.spec import TableSpec
    from contramix.io.tables.reading import read

    read_theirs = polars.read_csv if path.suffix == ".csv" else polars.read_parquet
    table = read(path).table
    describing, (spec, _) = _timed(lambda: TableSpec.learn(table, TableSettings()))
    del table
    reading, encoding, theirs = [], [], []
    for _ in range(REPEATS):
        seconds, table = _timed(lambda: read(path).table)
        reading.append(seconds)
        encoding.append(_timed(lambda table=table: spec.tensorize(table))[0])
        del table
        theirs.append(_timed(lambda: _as_array(read_theirs(path)) if to_array else read_theirs(path))[0])
    (read_, read_cpu), (encode, encode_cpu), (polars_, polars_cpu) = (
        np.median(times, 0).tolist() for times in (reading, encoding, theirs)
    )
    return {
        "ratio": (read_ + encode) / polars_,
        "cpu_ratio": (read_cpu + encode_cpu) / polars_cpu,
        "read": read_,
        "tensorize": encode,
        "polars": polars_,
        "describe": describing[0],
    }


def _as_array(frame: Any) -> Any:
    import polars

    return frame.cast(polars.Float32).to_numpy(order="c")


def _timed(call: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Return (wall-clock seconds, CPU seconds) of a call, and its result."""
    began = time.perf_counter(), time.process_time()
    result = call()
    return (time.perf_counter() - began[0], time.process_time() - began[1]), result


def _numbers(rows: int) -> pa.Table:
    """Draw rows like CovType's: ten integers, one of 4 areas and one of 40 soils as 0/1 columns."""
    draw = np.random.default_rng(0)
    columns = {f"q{n}": draw.normal(1000, 300, rows).round().astype(np.int64) for n in range(10)}
    for name, categories in (("area", 4), ("soil", 40)):
        category = draw.integers(0, categories, rows)
        columns |= {f"{name}{n}": (category == n).astype(np.int64) for n in range(categories)}
    return pa.table(columns)


def _adult(path: Path, rows: int) -> pa.Table:
    names = [f"c{n}" for n in range(15)]
    table = pyarrow.csv.read_csv(path, read_options=pyarrow.csv.ReadOptions(column_names=names))
    return pa.concat_tables([table] * -(-rows // table.num_rows)).slice(0, rows).combine_chunks()


if __name__ == "__main__":
    main()
