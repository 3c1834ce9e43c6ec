"""How far i-Mix gains or loses on images as training gets longer; kept in bench/results/media/length.json.

python bench/media_length.py --data-dir DIR [--epochs 14,56] [--seeds 2]

N-pair with and without i-Mix on the 10,000 images of bench/media.py, the same seeds; a linear probe and nearest
neighbours on the official test part. What is there already is not run again.
"""

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
from media import data_for

from contramix.domains import DOMAINS
from contramix.evaluation.features import frozen
from contramix.evaluation.probes import PROBES
from contramix.evaluation.problem import Problem
from contramix.io.options import ReadOptions
from contramix.models.labelled_records import records
from contramix.models.pretraining import Fit, learn_spec
from contramix.recipe import Recipe
from contramix.training.progress import ConsoleReporter

RESULTS = Path(__file__).parent / "results" / "media" / "length.json"
RECIPES = ("npair", "imix-npair")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--epochs", default="14,56")
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    settings = Recipe.load("npair", domain="image").data
    reading = DOMAINS["image"].read(data_for("cifar10", asked.data_dir, asked.work), ReadOptions(), settings)
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    for epochs in map(int, asked.epochs.split(",")):
        for seed in range(asked.seeds):
            for name in RECIPES:
                key = {"recipe": name, "epochs": epochs, "seed": seed}
                if not any(key.items() <= line.items() for line in found):
                    found.append({**key, **run(reading, name, epochs, seed), "commit": commit})
                    RESULTS.parent.mkdir(parents=True, exist_ok=True)
                    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def run(reading: object, name: str, epochs: int, seed: int) -> dict[str, float]:
    """Pre-train once and probe."""
    recipe = Recipe.load(name, {"train.epochs": epochs}, "image")
    spec, _ = learn_spec(reading.training, recipe, reading.target)
    data = records(spec, reading.training, reading.target, test=reading.test)
    fit = Fit.begin(recipe, spec, data.training, seed)
    for _ in ConsoleReporter().steps(f"{name}, {epochs} epochs", fit.plan, 0, fit.steps()):
        pass
    z = frozen(fit.finish().encoder, data.x)
    test = data.official_test
    train = np.setdiff1d(np.arange(len(data.y)), test)
    problem = Problem(data.task, train, data.y[train], test, seed)
    hits = {probe: PROBES[probe](problem, z).value == data.y[test] for probe in ("linear", "knn")}
    return {probe: round(float(right.mean()), 6) for probe, right in hits.items()}


if __name__ == "__main__":
    main()
