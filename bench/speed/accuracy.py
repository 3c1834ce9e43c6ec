"""Measure the seconds of training until a linear probe reaches an accuracy on CovType.

python -m bench.speed.accuracy [--seeds 3]

Trains imix-npair for 1,000 steps on the 15,120 rows that ship with the package, with one setting changed at a time. At
some steps the clock is stopped: a logistic regression is fitted on the representations of all training rows and scored
on the 20,000 test rows. A row holds the seconds to 65 %, the best score and the seconds to it, as means over seeds.
"""

import argparse
import time
from collections.abc import Iterator
from statistics import mean, stdev
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch

from contramix.datasets import COVTYPE
from contramix.evaluation.probes import PROBES
from contramix.evaluation.problem import PredictionProblem
from contramix.models.inference import embed
from contramix.models.pretraining import Fit, learn_spec
from contramix.models.task import find_task
from contramix.recipe import Recipe
from contramix.runtime.memory import keep_freed_memory

TARGET, GOAL = "cover_type", 0.65
LOOKS = (0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0)
"""Shares of all steps after which the probe is scored."""
LONG = {"train.auto_steps": 1000}
VARIANTS: dict[str, dict[str, Any]] = {
    "1,000 steps": LONG,
    "float32": {**LONG, "train.precision": "float32"},
    "width 256": {**LONG, "encoder.width": 256},
    "batch 256": {**LONG, "train.batch_size": 256},
    "500 steps, as shipped": {},
    "rate 4e-3": {**LONG, "train.lr": 4e-3},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    keep_freed_memory()
    for row in measure(parser.parse_args().seeds):
        print(row)


def measure(seeds: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each variant."""
    for name, overrides in VARIANTS.items():
        runs = [train_and_probe(Recipe.load("imix-npair", overrides), seed) for seed in range(seeds)]
        goals = [next((seconds for seconds, score in run if score >= GOAL), None) for run in runs]
        best = [max(run, key=lambda look: look[1]) for run in runs]
        reached = [seconds for seconds in goals if seconds is not None]
        scores = [score for _, score in best]
        yield {
            "variant": name,
            "seeds": seeds,
            "to_goal": mean(reached) if len(reached) == seeds else None,
            "best": mean(scores),
            "spread": stdev(scores) if seeds > 1 else None,
            "to_best": mean(seconds for seconds, _ in best),
            "all_steps": mean(run[-1][0] for run in runs),
        }


def train_and_probe(recipe: Recipe, seed: int) -> list[tuple[float, float]]:
    """Train once and return (seconds of training, accuracy of the probe) at each look."""
    train, test = (pq.read_table(COVTYPE / f"{part}.parquet") for part in ("train", "test"))
    began = time.perf_counter()
    spec, _ = learn_spec(train, recipe, TARGET)
    fit = Fit.begin(recipe, spec, spec.tensorize(train), seed)
    looks = {round(share * fit.plan.steps) for share in LOOKS}
    task = find_task(TARGET, train.column(TARGET), "CovType")
    y, truth = (task.encode(part.column(TARGET), "CovType") for part in (train, test))
    rows = torch.cat([spec.tensorize(train), spec.tensorize(test)])
    problem = PredictionProblem(task, np.arange(len(train)), y, len(train) + np.arange(len(test)), seed)
    stopped, seen = 0.0, []
    for step in fit.steps():
        if step.step in looks:
            pause = time.perf_counter()
            right = PROBES["linear"](problem, embed(fit.encoder, rows)).value == truth
            seen.append((pause - began - stopped, float(right.mean())))
            stopped += time.perf_counter() - pause
    return seen


if __name__ == "__main__":
    main()
