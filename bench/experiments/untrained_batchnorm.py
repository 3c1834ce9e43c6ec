"""Measure what an untrained twelve-layer network with BatchNorm keeps of Fashion-MNIST, for DACL's table 1.

python -m bench.experiments.untrained_batchnorm --data-dir DIR    # two minutes on one core

With BatchNorm's initial statistics (mean 0, variance 1) and with those of the training rows, it measures the standard
deviation and the mean absolute value of features, the share of constant features, the share of an image's ten nearest
neighbors by pixels that stay neighbors, and the accuracy of the paper's LARS probe, whose number of steps grows with
the rows, on 6,000 and 60,000 rows. One seed. Results go to experiments.jsonl.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy import ndarray
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from bench import result_lines
from contramix.evaluation.features import untrained_encoder
from contramix.evaluation.probes import PROBES
from contramix.evaluation.problem import PredictionProblem
from contramix.models.inference import embed
from contramix.models.labeled_records import prepare_labeled_records
from contramix.models.pretraining import learn_spec
from contramix.reproduction.catalog import shipped
from contramix.reproduction.sources import find, load, sample_rows
from contramix.reproduction.suite import Suite
from contramix.training.loop import recalibrate_bn

SUITE = "untrained-batchnorm"
ROWS = 6_000, 60_000
COMPARED_ROWS, NEIGHBORS = 1_500, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path)
    suite = Suite.load(shipped()["dacl-table1"])
    block = next(block for block in suite.data if block.label == "fashion-mnist-pixels")
    recipe = block.recipes("cpu")[0]
    parts = load(block.data, find(block.data, parser.parse_args().data_dir), recipe)
    lines = []
    for rows in ROWS:
        train = sample_rows(parts.train, rows)
        spec, _ = learn_spec(train, recipe, parts.target)
        data, test = (prepare_labeled_records(spec, part, parts.target) for part in (train, parts.test))
        encoder = untrained_encoder(recipe, spec, 0)
        for statistics in ("mean 0, variance 1", "of the training rows"):
            if statistics != "mean 0, variance 1":
                recalibrate_bn(encoder, data.x)
            z, z_test = embed(encoder, data.x), embed(encoder, test.x)
            problem = PredictionProblem(data.task, np.arange(rows), data.y, rows + np.arange(len(test.y)), 0, 0, test.y)
            found = PROBES["lars"](problem, np.concatenate([z, z_test]))
            scores = {
                "feature_std": float(z.std(0).mean()),
                "mean_absolute": float(np.abs(z).mean()),
                "constant_share": float((z.std(0) == 0).mean()),
                "shared_neighbors": shared_neighbors(pixels(train, parts.target), z[:COMPARED_ROWS]),
                "lars": float((found.value == test.y).mean()),
            }
            ids = {"line": "run", "suite": SUITE, "block": block.label, "row": "untrained", "seed": 0}
            lines.append({**ids, "training_rows": rows, "batch_norm": statistics, "scores": scores})
            print(json.dumps(lines[-1]), flush=True)
    result_lines.write(SUITE, lines)


def pixels(table: pa.Table, target: str) -> ndarray:
    """Return the pixels of the first rows, as (rows, pixels)."""
    columns = table.slice(0, COMPARED_ROWS).drop_columns(target).columns
    return np.stack([column.to_numpy() for column in columns], 1)


def shared_neighbors(x: ndarray, z: ndarray) -> float:
    """Return the share of nearest neighbors in x that are nearest neighbors in z, both standardized."""
    neighbors = [
        NearestNeighbors(n_neighbors=NEIGHBORS + 1).fit(v).kneighbors(v, return_distance=False)[:, 1:]
        for v in (StandardScaler().fit_transform(x), StandardScaler().fit_transform(z))
    ]
    return float(np.mean([len({*a} & {*b}) / NEIGHBORS for a, b in zip(*neighbors)]))


if __name__ == "__main__":
    main()
