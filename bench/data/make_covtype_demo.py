"""Make the CovType rows that ship with the package from files of UCI CoverType.

python -m bench.data.make_covtype_demo covtype.train15120.data.gz covtype.test200000.data.gz

The first file holds the official first 15,120 rows in order, the second other rows. Neither has a header; the label is
the last column.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as pq

SEED, TEST_ROWS = 20261121, 20_000
NAMES = [
    "elevation",
    "aspect",
    "slope",
    "horizontal_distance_to_hydrology",
    "vertical_distance_to_hydrology",
    "horizontal_distance_to_roadways",
    "hillshade_9am",
    "hillshade_noon",
    "hillshade_3pm",
    "horizontal_distance_to_fire_points",
    *(f"wilderness_area_{n}" for n in range(1, 5)),
    *(f"soil_type_{n}" for n in range(1, 41)),
    "cover_type",
]


def read(path: str) -> pa.Table:
    table = csv.read_csv(path, csv.ReadOptions(column_names=NAMES))
    return table.cast(pa.schema([(n, pa.int16() if i < 10 else pa.int8()) for i, n in enumerate(NAMES)]))


def main(train: str, test: str) -> None:
    out = Path(__file__).parents[2] / "src" / "contramix" / "datasets" / "covtype"
    rows = read(test)
    drawn = np.sort(np.random.default_rng(SEED).choice(rows.num_rows, TEST_ROWS, replace=False))
    for name, table in (("train", read(train)), ("test", rows.take(drawn))):
        pq.write_table(table, out / f"{name}.parquet", compression="zstd", write_page_checksum=True)
        print(name, table.num_rows, (out / f"{name}.parquet").stat().st_size)


if __name__ == "__main__":
    main(*sys.argv[1:])
