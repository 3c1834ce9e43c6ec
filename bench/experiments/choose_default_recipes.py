"""Choose the default settings of a recipe for tables by validation scores, never by test rows.

python -m bench.data.make_parquet_tables --data-dir DIR
python -m bench.experiments.choose_default_recipes imix-npair      # about an hour on one core
python -m bench.experiments.choose_default_recipes dacl-plus       # can be killed and run again

A fifth of each table's training split is held out (for CovType the official 3,780 validation rows). Each setting is
pre-trained on the rest without labels. A linear probe is then fitted on 20 and on 100 labels per class and scored on
the held-out rows by balanced accuracy, over five draws of labels. The score of a setting is the mean over the four
tables and both numbers of labels. The search has three stages: noise and temperature together; then weight
distribution, length and width, one at a time, each from the best so far; then the best setting and the recipe before
the search, over five seeds. ``--longer`` only compares 400 and 1,000 steps of the best setting.

Each run is a line of ``bench/results/experiments.jsonl``, with the suite default-recipes.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow.parquet as pq
import torch
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import train_test_split

from bench import result_lines
from bench.data.make_parquet_tables import TARGETS
from contramix.evaluation.probes.linear import linear
from contramix.evaluation.problem import PredictionProblem
from contramix.models.inference import embed
from contramix.models.labeled_records import LabelBudget, draw_labels
from contramix.models.pretraining import Fit, learn_spec
from contramix.models.task import find_task
from contramix.predictors.feature_rows import raw_features
from contramix.recipe import Recipe

SUITE = "default-recipes"
LABELS_PER_CLASS, DRAWS, SEEDS = (20, 100), 5, 5
OFFICIAL_TRAIN = 11_340  # of CovType's 15,120 rows; the others are its validation split

Settings = dict[str, Any]

MARGINAL = {"noise.kind": "marginal", "noise.views": "both"}
NOISES: dict[str, list[Settings]] = {
    "imix-npair": [
        {"noise.kind": "drop", "noise.rate": 0.2},
        {"noise.kind": "drop", "noise.rate": 0.4},
        {**MARGINAL, "noise.rate": 0.3},
        {**MARGINAL, "noise.rate": 0.6},
    ],
    "dacl-plus": [
        {"noise.alpha": alpha, "noise.keep_prob": keep} for alpha, keep in ((0.5, 0.5), (0.5, 0.7), (0.8, 0.9))
    ],
}
TEMPERATURES = {"imix-npair": (0.1, 0.2, 0.5, 1.0), "dacl-plus": (0.1, 0.5, 1.0)}
WEIGHTS: dict[str, list[Settings]] = {
    "imix-npair": [{"imix.alpha": 1.0}, {"imix.alpha": 0.5}, {"imix.fold": False}, {"imix.alpha": 8.0}],
    "dacl-plus": [{"noise.alpha": 0.3}, {"noise.alpha": 0.2}],
}
WIDTHS = {"imix-npair": (128, 512), "dacl-plus": (128,)}  # 512 takes five times as long, mixup noise another half
BEST: dict[str, Settings] = {
    "imix-npair": {**MARGINAL, "noise.rate": 0.3, "method.temperature": 0.2, "steps": 400, "encoder.width": 512}
}
"""Settings that the search chose, for ``--longer``."""
STEPS = (200, 1000)
FIRST_STEPS = 400


@cache
def table(name: str) -> tuple[Any, ...]:
    """Return (rows, class index per row, indices of training rows, indices of held-out rows, task)."""
    rows = pq.read_table(f"runs/tables/{name}-train.parquet")
    task = find_task(TARGETS[name], rows[TARGETS[name]].combine_chunks(), name)
    y = task.encode(rows[TARGETS[name]].combine_chunks(), name)
    index = np.arange(len(y))
    if name == "covtype":
        train, held_out = index[:OFFICIAL_TRAIN], index[OFFICIAL_TRAIN:]
    else:
        train, held_out = map(np.sort, train_test_split(index, test_size=0.2, random_state=0, stratify=y))
    return rows, y, train, held_out, task


def scores(name: str, z: np.ndarray) -> dict[str, list[float]]:
    """Return balanced accuracies on the held-out rows: labels per class -> a number for each draw of labels."""
    _, y, train, held_out, task = table(name)
    found: dict[str, list[float]] = {}
    for labels in LABELS_PER_CLASS:
        for draw in range(DRAWS):
            used = draw_labels(y, train, LabelBudget(labels), draw)
            predicted = linear(PredictionProblem(task, used, y[used], held_out, draw), z).value
            found.setdefault(str(labels), []).append(float(balanced_accuracy_score(y[held_out], predicted)))
    return found


def run(base: str, name: str, settings: Settings, steps: int, seed: int) -> dict[str, Any]:
    """Pre-train one setting on one table and return its line of results."""
    rows, _, train, _, _ = table(name)
    # float32, because the first of these runs were made in float32.
    changes = {"train.precision": "float32", **{k: v for k, v in settings.items() if k != "steps"}}
    recipe = Recipe.load(base, changes)
    spec, _ = learn_spec(rows.take(train), recipe, TARGETS[name])
    x = spec.tensorize(rows)
    per_epoch = len(train) // min(settings.get("train.batch_size", 512), len(train))
    recipe = Recipe.load(recipe, {"train.epochs": max(1, round(steps / per_epoch))})
    fit = Fit.begin(recipe, spec, x[torch.from_numpy(train)], seed, "cpu")
    began = time.monotonic()
    for _ in fit.steps():
        pass
    seconds = time.monotonic() - began
    found = scores(name, embed(fit.finish().encoder, x))
    ids = {"line": "run", "suite": SUITE, "block": name, "row": base, "seed": seed, "changes": settings}
    return {**ids, "scores": found, "seconds": round(seconds, 1)}


class Search:
    """Search settings of one recipe; reuse the runs that the results hold."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.lines = [line for line in result_lines.read(SUITE) if line["row"] == base]

    def score(self, settings: Settings, seeds: int = 1) -> float:
        """Return the mean score over tables, numbers of labels and seeds."""
        each = []
        for seed in range(seeds):
            for name in TARGETS:
                each.append(np.mean([np.mean(s) for s in self.result(name, settings, seed)["scores"].values()]))
        return float(np.mean(each))

    def result(self, name: str, settings: Settings, seed: int) -> dict[str, Any]:
        """Return the line of one run; run it if the results do not hold it."""
        for line in self.lines:
            if (line["block"], line["changes"], line["seed"]) == (name, settings, seed):
                return line
        line = run(self.base, name, settings, settings["steps"], seed)
        self.lines.append(line)
        result_lines.append(SUITE, line)
        return line

    def best(self, settings: Iterator[Settings], seeds: int = 1) -> list[Settings]:
        """Return the settings sorted by score, the best first."""
        scored = []
        for s in settings:
            scored.append((self.score(s, seeds), s))
            print(f"{scored[-1][0]:.4f}  {s}", flush=True)
        return [s for _, s in sorted(scored, key=lambda pair: -pair[0])]


def baseline() -> None:
    """Score raw features under the same draws of labels, unless the results hold their scores."""
    if any(line["row"] == "raw" for line in result_lines.read(SUITE)):
        return
    for name in TARGETS:
        rows, _, train, _, _ = table(name)
        spec, _ = learn_spec(rows.take(train), Recipe.load("npair"), TARGETS[name])
        found = scores(name, raw_features(spec, spec.tensorize(rows)))
        line = {"line": "run", "suite": SUITE, "block": name, "row": "raw", "scores": found}
        result_lines.append(SUITE, line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=list(NOISES))
    parser.add_argument("--longer", action="store_true")
    options = parser.parse_args()
    base = options.recipe
    torch.set_num_threads(1)
    search = Search(base)
    baseline()
    if options.longer:
        search.best({**BEST[base], "steps": steps} for steps in (400, 1000))
        return
    first = ({**n, "method.temperature": t, "steps": FIRST_STEPS} for n in NOISES[base] for t in TEMPERATURES[base])
    best = search.best(first)[0]
    for changes in (WEIGHTS[base], [{"steps": s} for s in STEPS], [{"encoder.width": w} for w in WIDTHS[base]]):
        best = search.best({**best, **change} for change in [{}, *changes])[0]
    # The recipe before this search, trained for as many steps as the best setting.
    old = {
        "imix-npair": {"noise.kind": "drop", "noise.rate": 0.2, "method.temperature": 0.1, "steps": best["steps"]},
        "dacl-plus": {"noise.alpha": 0.5, "noise.keep_prob": 0.7, "method.temperature": 0.5, "steps": best["steps"]},
    }[base]
    final = search.best(iter([best, old]), SEEDS)
    print("chosen:", json.dumps(final[0]))


if __name__ == "__main__":
    main()
