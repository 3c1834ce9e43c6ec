"""Measure how DACL on graphs depends on alpha, tau, the cut and the probe's learning rate; to experiments.jsonl.

python -m bench.experiments.graph_settings sweep MUTAG IMDB-BINARY --data-dir DIR     # can be killed and run again
python -m bench.experiments.graph_settings untrained MUTAG PTC_MR --data-dir DIR
python -m bench.write_results

The protocols are those of the suite dacl-table4 (``contramix.reproduction.folds``). ``sweep`` changes one setting of
DACL at a time, at learning rate 1e-3. ``untrained`` scores an untrained encoder at several learning rates of the linear
layer, with the initial statistics of BatchNorm and with those of the graphs.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bench import result_lines
from contramix.evaluation.cross_validation import adam_on_folds
from contramix.evaluation.features import untrained_encoder
from contramix.models.inference import embed
from contramix.models.labeled_records import LabeledRecords, prepare_labeled_records
from contramix.models.pretraining import learn_spec
from contramix.recipe import Recipe
from contramix.reproduction.catalog import shipped
from contramix.reproduction.folds import pretrain_and_score, round_accuracies
from contramix.reproduction.sources import find, load
from contramix.reproduction.suite import Suite
from contramix.training.loop import recalibrate_bn

SUITE = "graph-settings"
ROW = "dacl 1e-3"
SWEEPS: tuple[dict[str, Any], ...] = (
    *({"noise.alpha": alpha} for alpha in (0.0, 0.5, 0.7, 0.99)),
    *({"method.temperature": tau} for tau in (0.1, 0.5, 2.0)),
    *({"noise.cut": cut} for cut in ("layer1", "layer2", "layer3", ["layer1", "layer2", "layer3", "output"])),
)
"""Changes of DACL, which has alpha .9, tau 1 and the output."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["sweep", "untrained"])
    parser.add_argument("names", nargs="+")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    for name in options.names:
        recipe, data = labeled_graphs(name, options.data_dir)
        for repeat in range(options.repeats):
            if options.what == "untrained":
                untrained(name, repeat, data, recipe)
            for changes in SWEEPS if options.what == "sweep" else ():
                changed = Recipe.load(recipe, changes)
                ids = {"block": name, "row": "dacl", "seed": repeat, "changes": changes}
                measure(ids, lambda: pretrain_and_score(changed, data, repeat), rate=0.001)  # noqa: B023 - called at once


def labeled_graphs(name: str, data_dir: Path) -> tuple[Recipe, LabeledRecords]:
    """Return DACL's published recipe for a data set of graphs, and the graphs."""
    (block,) = (block for block in Suite.load(shipped()["dacl-table4"]).data if block.data == name)
    (recipe,) = (recipe for recipe in block.recipes("paper") if recipe.name == ROW)
    parts = load(name, find(name, data_dir), recipe)
    spec, _ = learn_spec(parts.train, recipe, parts.target)
    return recipe, prepare_labeled_records(spec, parts.train, parts.target)


def measure(ids: dict[str, Any], run: Callable[[], dict[str, Any]], **facts: object) -> None:
    """Run and keep the accuracies of all folds, unless the results hold that run already."""
    if any(ids.items() <= line.items() for line in result_lines.read(SUITE)):
        return
    began = time.monotonic()
    found = run()
    facts |= {"seconds": round(time.monotonic() - began, 1), "threads": torch.get_num_threads()}
    scores = {name: found.pop(name) for name in ("published", "honest") if name in found}
    line = {"line": "run", "suite": SUITE, **ids, "scores": scores, **found, **facts}
    result_lines.append(SUITE, {**line, "commit": result_lines.current_commit()})
    shown = {name: f"{100 * np.mean(values):.2f}" for name, values in scores.items()}
    print(*ids.values(), shown, facts["seconds"], flush=True)


def untrained(name: str, repeat: int, data: LabeledRecords, recipe: Recipe) -> None:
    """Score an untrained encoder by the published protocol."""
    encoder = untrained_encoder(recipe, data.spec, repeat)
    for norm in ("as it begins", "of the graphs"):
        if norm == "of the graphs":
            recalibrate_bn(encoder, data.x)
        z = embed(encoder, data.x)
        for rate in (1e-1, 1e-2, 1e-3, 1e-4):
            changes = {"BatchNorm": norm, "rate of the linear layer": rate}
            measure(
                {"block": name, "row": "none", "seed": repeat, "changes": changes},
                lambda: {"published": [round_accuracies(adam_on_folds(z, data.y, seed=repeat, rate=rate))]},  # noqa: B023
                largest=float(abs(z).max()),
            )


if __name__ == "__main__":
    main()
