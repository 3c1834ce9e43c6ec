"""What alpha, tau, the cut and the linear layer change in DACL's table 4; kept in bench/results/graphs.

python bench/graphs.py sweep MUTAG IMDB-BINARY --data-dir DIR         # can be killed and run again
python bench/graphs.py untrained MUTAG PTC_MR --data-dir DIR
python bench/write_results.py

The table itself is the suite dacl-table4, whose protocols these are (``contramix.reproduction.folds``). ``sweep``: one
setting of DACL changed at a time, at the rate 1e-3. ``untrained``: an encoder as it begins, at several rates of the
linear layer, BatchNorm as it begins too, or with statistics of the graphs.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contramix.evaluation.baselines import untrained_encoder
from contramix.evaluation.cross_validation import adam_on_folds
from contramix.models.inference import embed
from contramix.models.labelled_records import Records, records
from contramix.models.pretraining import learn_spec
from contramix.recipe import Recipe
from contramix.reproduction.catalogue import shipped
from contramix.reproduction.folds import rounded, scores_of
from contramix.reproduction.sources import find, load
from contramix.reproduction.suite import Suite
from contramix.training.loop import recalibrate_bn

RESULTS = Path(__file__).parent / "results" / "graphs"
ROW = "dacl 1e-3"
SWEEPS: tuple[dict[str, Any], ...] = (
    *({"noise.alpha": alpha} for alpha in (0.0, 0.5, 0.7, 0.99)),
    *({"method.temperature": tau} for tau in (0.1, 0.5, 2.0)),
    *({"noise.cut": cut} for cut in ("layer1", "layer2", "layer3", ["layer1", "layer2", "layer3", "output"])),
)
"""Changes of DACL, beside alpha .9, tau 1 and the output."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["sweep", "untrained"])
    parser.add_argument("names", nargs="+")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    for name in options.names:
        recipe, data = labelled_graphs(name, options.data_dir)
        for repeat in range(options.repeats):
            if options.what == "untrained":
                untrained(RESULTS / name, repeat, data, recipe)
            for changes in SWEEPS if options.what == "sweep" else ():
                what = "".join(f"_{key.rpartition('.')[2]}={_short(value)}" for key, value in changes.items())
                file, changed = RESULTS / name / f"dacl_0.001{what}_{repeat}.json", Recipe.load(recipe, changes)
                kept(file, changes, repeat, lambda: scores_of(changed, data, repeat))  # noqa: B023 - called at once


def labelled_graphs(name: str, data_dir: Path) -> tuple[Recipe, Records]:
    """The graphs of a data set, and DACL's recipe for them as published."""
    (block,) = (block for block in Suite.load(shipped()["dacl-table4"]).data if block.data == name)
    (recipe,) = (recipe for recipe in block.recipes("paper") if recipe.name == ROW)
    parts = load(name, find(name, data_dir), recipe)
    spec, _ = learn_spec(parts.train, recipe, parts.target)
    return recipe, records(spec, parts.train, parts.target)


def kept(file: Path, changes: dict[str, Any], repeat: int, run: Callable[[], dict[str, Any]], **more: object) -> None:
    """Keep accuracies of all folds, unless they are there."""
    if file.exists():
        return
    began = time.monotonic()
    found = run()
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    facts = {"repeat": repeat, "changes": changes, **found, **more, "seconds": round(time.monotonic() - began, 1)}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**facts, "threads": torch.get_num_threads(), "commit": commit}) + "\n")
    shown = {name: f"{100 * np.mean(values):.2f}" for name, values in found.items()}
    print(file.name, shown, facts["seconds"], flush=True)


def untrained(place: Path, repeat: int, data: Records, recipe: Recipe) -> None:
    """An encoder as it begins, by the published protocol."""
    encoder = untrained_encoder(recipe, data.spec, repeat)
    for norm in ("as it begins", "of the graphs"):
        if norm == "of the graphs":
            recalibrate_bn(encoder, data.x)
        z = embed(encoder, data.x)
        for rate in (1e-1, 1e-2, 1e-3, 1e-4):
            kept(
                place / f"none_{norm.replace(' ', '-')}_linear={rate:g}_{repeat}.json",
                {"BatchNorm": norm, "rate of the linear layer": rate},
                repeat,
                lambda: {"published": [rounded(adam_on_folds(z, data.y, seed=repeat, rate=rate))]},  # noqa: B023
                largest=float(abs(z).max()),
            )


def _short(value: Any) -> str:
    return "+".join(value) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    main()
