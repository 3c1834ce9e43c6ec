"""DACL's protocol on graphs: features of the last five epochs, linear layers in ten folds, repeated.

The published one: for each of the last five epochs a linear layer by a hundred full-batch steps of Adam in each fold;
mean over folds and epochs. The honest one beside it: the last epoch only, and logistic regression, its strength chosen
inside the training folds. Plain baselines stand under the honest one alone.

NOTE[DIFF]: a batch holds as many graphs as divide the data evenly, at most the recipe's, since a last shorter batch is
left out here and the paper's is not. NOTE[DIFF]: the paper does not state the rate of the linear layer; 1e-2 is
InfoGraph's, recalled.
"""

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy import ndarray

from contramix.evaluation.baselines import BASELINES, BaselineInputs
from contramix.evaluation.cross_validation import adam_on_folds, cross_validated
from contramix.evaluation.features import raw_features, untrained_encoder
from contramix.evaluation.probes import PROBES, Probe
from contramix.models.inference import embed
from contramix.models.labeled_records import LabeledRecords, prepare_labeled_records
from contramix.models.pretraining import Fit, learn_spec
from contramix.recipe import Recipe
from contramix.runtime import atomic_files
from contramix.samples.samples import compute_fingerprint
from contramix.training.reporter import SILENT, Reporter

LAST = 5
PROTOCOLS = ("published", "honest")


def cross_validate(
    folder: Path,
    table: pa.Table,
    target: str,
    baselines: Sequence[str],
    recipes: Sequence[Recipe],
    repeats: int,
    device: str = "auto",
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Run the repeats that are not finished; each is kept in ``folder/ROW/seed0`` and so on, beside its recipe.

    Returns
    -------
    dict
        ``rows``: accuracies under the honest protocol, and ``parity``: under the published one, as a comparison has
        them.
    """
    main = recipes[-1]
    spec, _ = learn_spec(table, main, target)
    data = prepare_labeled_records(spec, table, target)
    named = {**dict.fromkeys(baselines), **{recipe.name: recipe for recipe in recipes}}
    made: dict[str, list[dict[str, Any]]] = {}
    for name, recipe in named.items():
        for repeat in range(repeats):
            reporter.progress(f"{name}, repeat {repeat + 1} of {repeats}")
            place = folder / name / f"seed{repeat}"
            made.setdefault(name, []).append(_kept(place, name, recipe, main, data, repeat, device))
    rows = {
        protocol: [_row(name, runs, protocol, named[name]) for name, runs in made.items() if protocol in runs[0]]
        for protocol in PROTOCOLS
    }
    return {"metric": "accuracy", "rows": rows["honest"], "parity": rows["published"]}


def _kept(
    place: Path, name: str, recipe: Recipe | None, main: Recipe, data: LabeledRecords, repeat: int, device: str
) -> dict[str, Any]:
    wanted, graphs = main if recipe is None else recipe, compute_fingerprint(data.x)
    if (place / "DONE").exists() and Recipe.load(place / "recipe.toml") == wanted:
        found: dict[str, Any] = json.loads((place / "report.json").read_text())
        if found["data"] == graphs:
            return found
    began = time.monotonic()
    scores = _scores(name, recipe, main, data, repeat, device)
    found = {**scores, "data": graphs, "seconds": round(time.monotonic() - began, 1)}
    place.mkdir(parents=True, exist_ok=True)
    atomic_files.write(place / "recipe.toml", wanted.to_toml())
    atomic_files.write(place / "report.json", json.dumps(found) + "\n")
    atomic_files.write(place / "DONE", "")
    return found


def _scores(
    name: str, recipe: Recipe | None, main: Recipe, data: LabeledRecords, repeat: int, device: str
) -> dict[str, Any]:
    """Accuracies of epochs and folds."""
    if recipe is not None:
        return scores_of(recipe, data, repeat, device)
    if name == "untrained":
        return _of_features([embed(untrained_encoder(main, data.spec, repeat), data.x)], data, repeat)
    if name == "raw":
        return {"honest": _folds(data, raw_features(data.spec, data.x), repeat, PROBES["linear"])}
    inputs = BaselineInputs(data, main, ("linear",), torch.device("cpu"))
    predict = BASELINES[name].make(inputs)[0].predict
    nothing = np.zeros((len(data.x), 1), np.float32)
    return {"honest": _folds(data, nothing, repeat, lambda problem, z: predict(problem))}


def scores_of(recipe: Recipe, data: LabeledRecords, repeat: int, device: str = "auto") -> dict[str, Any]:
    """Accuracies of epochs and folds of a run of pre-training, by both protocols."""
    return _of_features(_last_epochs(recipe, data, repeat, device), data, repeat)


def _of_features(features: Sequence[ndarray], data: LabeledRecords, repeat: int) -> dict[str, Any]:
    return {
        "published": [rounded(adam_on_folds(z, data.y, seed=repeat)) for z in features],
        "honest": _folds(data, features[-1], repeat, PROBES["linear"]),
    }


def _last_epochs(recipe: Recipe, data: LabeledRecords, seed: int, device: str) -> list[ndarray]:
    """Features of all graphs behind each of the last epochs."""
    rows = len(data.x)
    batches = math.ceil(rows / recipe.train.auto_batch)
    fit = Fit.begin(Recipe.load(recipe, {"train.batch_size": rows // batches}), data.spec, data.x, seed, device)
    return [
        embed(fit.encoder, data.x)
        for step in fit.steps()
        if step.step % fit.plan.steps_per_epoch == 0 and step.epoch >= fit.plan.epochs - LAST
    ]


def _folds(data: LabeledRecords, features: ndarray, repeat: int, probe: Probe) -> list[list[float]]:
    made = cross_validated(data.task, [[features]], data.y, seed=repeat, probe=probe)
    return [rounded(epoch) for epoch in made.each[0]]


def rounded(values: ndarray) -> list[float]:
    """Accuracies as they are kept."""
    return [round(float(value), 5) for value in values]


def _row(name: str, runs: list[dict[str, Any]], protocol: str, recipe: Recipe | None) -> dict[str, Any]:
    each = [round(float(np.mean(run[protocol])), 6) for run in runs]
    spread = round(float(np.std(each, ddof=1)), 6) if len(each) > 1 else None
    return {
        "name": name,
        "kind": "baseline" if recipe is None else "pretrained",
        "probe": "adam" if protocol == "published" else "linear",
        "labels_per_class": None,
        "mean": round(float(np.mean(each)), 6),
        "spread": spread,
        "n": len(each),
        "each": each,
        "seconds": round(float(np.mean([run["seconds"] for run in runs])), 1),
    }
