"""Measure the gain of i-Mix on CIFAR-10 as training gets longer; results in experiments.jsonl.

python -m bench.experiments.imix_gain_by_length --data-dir DIR [--epochs 14,56] [--seeds 2]

Trains N-pair with and without i-Mix on the 10,000 images of compare_media.py, with the same seeds, and scores a linear
probe and nearest neighbors on the official test split. Runs that the results hold are not repeated.
"""

import argparse
from pathlib import Path

import numpy as np

from bench import result_lines
from bench.experiments.compare_media import data_for
from contramix.domains import DOMAINS
from contramix.evaluation.features import frozen_features
from contramix.evaluation.probes import PROBES
from contramix.evaluation.problem import PredictionProblem
from contramix.io.options import ReadOptions
from contramix.models.labeled_records import prepare_labeled_records
from contramix.models.pretraining import Fit, learn_spec
from contramix.recipe import Recipe
from contramix.training.progress import ConsoleReporter

SUITE = "imix-gain-by-length"
RECIPES = ("npair", "imix-npair")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--epochs", default="14,56")
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    commit = result_lines.current_commit()
    settings = Recipe.load("npair", domain="image").data
    reading = DOMAINS["image"].read(data_for("cifar10", options.data_dir, options.work), ReadOptions(), settings)
    lines = result_lines.read(SUITE)
    for epochs in map(int, options.epochs.split(",")):
        for seed in range(options.seeds):
            for name in RECIPES:
                changes = {"train.epochs": epochs}
                ids = {"block": "cifar10", "row": name, "seed": seed, "recipe": name, "changes": changes}
                if not any(ids.items() <= line.items() for line in lines):
                    scores = run(reading, name, epochs, seed)
                    line = {"line": "run", "suite": SUITE, **ids, "scores": scores, "commit": commit}
                    result_lines.append(SUITE, line)


def run(reading: object, name: str, epochs: int, seed: int) -> dict[str, float]:
    """Pre-train once and return the accuracy of each probe on the test split."""
    recipe = Recipe.load(name, {"train.epochs": epochs}, "image")
    spec, _ = learn_spec(reading.training, recipe, reading.target)
    data = prepare_labeled_records(spec, reading.training, reading.target, test=reading.test)
    fit = Fit.begin(recipe, spec, data.training, seed)
    for _ in ConsoleReporter().steps(f"{name}, {epochs} epochs", fit.plan, 0, fit.steps()):
        pass
    z = frozen_features(fit.finish().encoder, data.x)
    test = data.official_test
    train = np.setdiff1d(np.arange(len(data.y)), test)
    problem = PredictionProblem(data.task, train, data.y[train], test, seed)
    hits = {probe: PROBES[probe](problem, z).value == data.y[test] for probe in ("linear", "knn")}
    return {probe: round(float(right.mean()), 6) for probe, right in hits.items()}


if __name__ == "__main__":
    main()
