"""What a twelve-layer network with BatchNorm makes of Fashion-MNIST before any training, for DACL's table 1.

    python bench/as_it_begins.py --data-dir DIR    # two minutes on one core

As BatchNorm begins (mean 0, variance 1) and with the statistics of the training rows: how much features vary, how
many never do, how many of an image's ten nearest neighbours by its pixels remain, and what the paper's probe, whose
number of steps grows with the rows, makes of 6,000 and of 60,000 rows. One seed. To bench/results/as-it-begins.json.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy import ndarray
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from contramix.evaluation.baselines import untrained_encoder
from contramix.evaluation.probes import PROBES
from contramix.evaluation.problem import Problem
from contramix.models.inference import embed
from contramix.models.labelled_records import records
from contramix.models.pretraining import learn_spec
from contramix.reproduction.catalogue import shipped
from contramix.reproduction.sources import drawn, find, load
from contramix.reproduction.suite import Suite
from contramix.training.loop import recalibrate_bn

OUT = Path(__file__).parent / "results" / "as-it-begins.json"
ROWS = 6_000, 60_000
LOOKED_AT, NEAR = 1_500, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path)
    suite = Suite.load(shipped()["dacl-table1"])
    block = next(block for block in suite.data if block.called == "fashion-mnist-pixels")
    recipe = block.recipes("cpu")[0]
    parts = load(block.data, find(block.data, parser.parse_args().data_dir), recipe)
    made = []
    for rows in ROWS:
        train = drawn(parts.train, rows)
        spec, _ = learn_spec(train, recipe, parts.target)
        data, test = (records(spec, part, parts.target) for part in (train, parts.test))
        encoder = untrained_encoder(recipe, spec, 0)
        for statistics in ("mean 0, variance 1", "of the training rows"):
            if statistics != "mean 0, variance 1":
                recalibrate_bn(encoder, data.x)
            z, z_test = embed(encoder, data.x), embed(encoder, test.x)
            problem = Problem(data.task, np.arange(rows), data.y, rows + np.arange(len(test.y)), 0, 0, test.y)
            found = PROBES["lars"](problem, np.concatenate([z, z_test]))
            made.append(
                {
                    "rows": rows,
                    "statistics": statistics,
                    "deviation": float(z.std(0).mean()),
                    "size": float(np.abs(z).mean()),
                    "never vary": float((z.std(0) == 0).mean()),
                    "neighbours that remain": remain(pixels(train, parts.target), z[:LOOKED_AT]),
                    "lars": float((found.value == test.y).mean()),
                }
            )
            print(json.dumps(made[-1]), flush=True)
    OUT.write_text(json.dumps(made, indent=1) + "\n")


def pixels(table: pa.Table, target: str) -> ndarray:
    columns = table.slice(0, LOOKED_AT).drop_columns(target).columns
    return np.stack([column.to_numpy() for column in columns], 1)


def remain(x: ndarray, z: ndarray) -> float:
    """Share of nearest neighbours in x that are so in z, both standardised."""
    near = [
        NearestNeighbors(n_neighbors=NEAR + 1).fit(v).kneighbors(v, return_distance=False)[:, 1:]
        for v in (StandardScaler().fit_transform(x), StandardScaler().fit_transform(z))
    ]
    return float(np.mean([len({*a} & {*b}) / NEAR for a, b in zip(*near)]))


if __name__ == "__main__":
    main()
