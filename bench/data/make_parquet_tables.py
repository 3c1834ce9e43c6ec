"""Write the four tables of the benchmarks as Parquet, each split into training and test rows.

python -m bench.data.make_parquet_tables --data-dir DIR --out runs/tables

DIR holds the files under their publishers' names: ``adult/``, ``bank_marketing/``, ``credit_default/``, ``covtype/``.
Adult and CovType have official test rows; of CovType's 565,892 the test split takes every tenth of the 200,000 that are
available. Of the other two tables every fifth row, in the file's order, is a test row. Column names are the
publishers'. The final point of Adult's test labels is removed.
"""

import argparse
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contramix.io.options import ReadOptions
from contramix.io.tables.reading import read

TARGETS = {"adult": "income", "bank": "y", "credit": "default.payment.next.month", "covtype": "cover_type"}
ADULT = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
]


def adult(folder: Path) -> tuple[pa.Table, pa.Table]:
    """Return the official training and test rows of Adult."""
    parts = [read(folder / "adult" / f"adult.{part}.csv.gz").table.rename_columns(ADULT) for part in ("data", "test")]
    income = pc.replace_substring(parts[1]["income"], ".", "")
    return parts[0], parts[1].set_column(14, "income", income)


def bank(folder: Path) -> tuple[pa.Table, pa.Table]:
    """Return training and test rows of Bank Marketing."""
    return every(5, read(folder / "bank_marketing" / "bank-full.csv.gz").table)


def credit(folder: Path) -> tuple[pa.Table, pa.Table]:
    """Return training and test rows of credit default."""
    return every(5, read(folder / "credit_default" / "UCI_Credit_Card.csv.gz").table)


def covtype(folder: Path) -> tuple[pa.Table, pa.Table]:
    """Return the official training rows of CovType, and a tenth of the available test rows."""
    from contramix.datasets import COVTYPE

    names = read(COVTYPE / "train.parquet").table.column_names
    files = ("covtype.train15120.data.gz", "covtype.test200000.data.gz")
    train, test = (read(folder / "covtype" / file, ReadOptions(header=False)).table for file in files)
    return train.rename_columns(names), every(10, test.rename_columns(names))[1]


def every(nth: int, table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Split a table into all rows but every nth, and every nth row."""
    test = np.arange(table.num_rows) % nth == nth - 1
    return table.filter(pa.array(~test)), table.filter(pa.array(test))


TABLES = {"adult": adult, "bank": bank, "credit": credit, "covtype": covtype}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, default=os.environ.get("CONTRAMIX_DATA"))
    parser.add_argument("--out", type=Path, default=Path("runs/tables"))
    options = parser.parse_args()
    if options.data_dir is None:
        parser.error("give --data-dir, or set CONTRAMIX_DATA")
    options.out.mkdir(parents=True, exist_ok=True)
    for name, make in TABLES.items():
        for part, table in zip(("train", "test"), make(Path(options.data_dir))):
            pq.write_table(table, options.out / f"{name}-{part}.parquet", compression="zstd")
            print(f"{name}-{part}.parquet: {table.num_rows:,} rows, {table.num_columns} columns")


if __name__ == "__main__":
    main()
