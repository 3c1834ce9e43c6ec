"""Evaluate representations of graphs as DACL does: by repeated ten-fold cross-validation of a linear classifier.

The published protocol trains a linear layer on the features of each of the last five epochs, with a hundred full-batch
steps of Adam in each fold, and averages over folds and epochs. The honest protocol uses the features of the last epoch
only, and logistic regression whose strength is selected within the training folds. Domain baselines have scores under
the honest protocol only.

NOTE[DIFF]: the DACL paper trains on the last, shorter batch of an epoch; contramix drops it. Here the batch size is
therefore reduced until batches divide the data almost evenly. NOTE[DIFF]: the DACL paper does not state the learning
rate of the linear layer; here it is 1e-2, the rate of InfoGraph, recalled from memory.
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
from contramix.evaluation.cross_validation import adam_on_folds, cross_validate_probe
from contramix.evaluation.features import untrained_encoder
from contramix.evaluation.probes import PROBES, Probe
from contramix.models.inference import embed
from contramix.models.labeled_records import LabeledRecords, prepare_labeled_records
from contramix.models.pretraining import Fit, learn_spec
from contramix.predictors.feature_rows import raw_features
from contramix.recipe import Recipe
from contramix.runtime import atomic_files
from contramix.samples.samples import compute_fingerprint
from contramix.training.reporter import SILENT, Reporter

LAST_EPOCHS = 5
"""Number of last epochs whose features the published protocol evaluates."""
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
    """Evaluate baselines and recipes on labeled graphs by ten-fold cross-validation, with two protocols.

    The published protocol, that of the DACL paper, trains a linear layer on the features of each of the last five
    epochs, and averages the accuracy over folds and epochs. The honest protocol uses only the last epoch, and logistic
    regression whose strength is selected within the training folds.

    Each repeat is stored in a folder such as ``folder/ROW/seed0``. Finished repeats in the folder are reused.

    Parameters
    ----------
    folder
        Folder in which the repeats are stored.
    table, target
        Table with a graph in each row, and the name of the column with the classes of the graphs.
    baselines, recipes
        Names of the baselines, and the recipes to pre-train with. Baselines that need a recipe, such as the untrained
        encoder, use the last one.
    repeats
        Number of times that each row is evaluated, each time with another seed.
    device
        Device to train on.
    reporter
        Receives a message before each repeat.

    Returns
    -------
    dict
        ``metric`` is "accuracy"; ``rows`` is the list of rows under the honest protocol, and ``parity`` the list under
        the published one. A row is a dictionary with keys such as ``name``, ``probe``, ``mean`` and ``each``.
    """
    main = recipes[-1]
    spec, _ = learn_spec(table, main, target)
    data = prepare_labeled_records(spec, table, target)
    named = {**dict.fromkeys(baselines), **{recipe.name: recipe for recipe in recipes}}
    runs: dict[str, list[dict[str, Any]]] = {}
    for name, recipe in named.items():
        for repeat in range(repeats):
            reporter.progress(f"{name}, repeat {repeat + 1} of {repeats}")
            run = folder / name / f"seed{repeat}"
            runs.setdefault(name, []).append(_reuse_or_run(run, name, recipe, main, data, repeat, device))
    rows = {
        protocol: [_row(name, each, protocol, named[name]) for name, each in runs.items() if protocol in each[0]]
        for protocol in PROTOCOLS
    }
    return {"metric": "accuracy", "rows": rows["honest"], "parity": rows["published"]}


def _reuse_or_run(
    folder: Path, name: str, recipe: Recipe | None, main: Recipe, data: LabeledRecords, repeat: int, device: str
) -> dict[str, Any]:
    wanted, graphs = main if recipe is None else recipe, compute_fingerprint(data.x)
    if (folder / "DONE").exists() and Recipe.load(folder / "recipe.toml") == wanted:
        found: dict[str, Any] = json.loads((folder / "report.json").read_text())
        if found["data"] == graphs:
            return found
    start = time.monotonic()
    scores = _scores(name, recipe, main, data, repeat, device)
    found = {**scores, "data": graphs, "seconds": round(time.monotonic() - start, 1)}
    folder.mkdir(parents=True, exist_ok=True)
    atomic_files.write(folder / "recipe.toml", wanted.to_toml())
    atomic_files.write(folder / "report.json", json.dumps(found) + "\n")
    atomic_files.write(folder / "DONE", "")
    return found


def _scores(
    name: str, recipe: Recipe | None, main: Recipe, data: LabeledRecords, repeat: int, device: str
) -> dict[str, Any]:
    """Evaluate one row of the table, a recipe or a baseline, in one repeat, and return its accuracies.

    Parameters
    ----------
    name, recipe
        Name of the row, and its recipe. None for the recipe: the row is the baseline of this name.
    main
        Recipe that baselines use.
    data, repeat, device
        Labeled graphs, number of the repeat (which is used as the seed), and device to train on.

    Returns
    -------
    dict
        Maps "published" and "honest" (the two protocols) to a list of epochs, each a list of the accuracies of its ten
        folds. Baselines other than "untrained" have only "honest".
    """
    if recipe is not None:
        return pretrain_and_score(recipe, data, repeat, device)
    if name == "untrained":
        return _score_features([embed(untrained_encoder(main, data.spec, repeat), data.x)], data, repeat)
    if name == "raw":
        return {"honest": _folds(data, raw_features(data.spec, data.x), repeat, PROBES["linear"])}
    inputs = BaselineInputs(data, main, ("linear",), torch.device("cpu"))
    predict = BASELINES[name].make(inputs)[0].predict
    nothing = np.zeros((len(data.x), 1), np.float32)
    return {"honest": _folds(data, nothing, repeat, lambda problem, z: predict(problem))}


def pretrain_and_score(recipe: Recipe, data: LabeledRecords, repeat: int, device: str = "auto") -> dict[str, Any]:
    """Pre-train on all graphs, and cross-validate linear classifiers on the resulting features.

    Parameters
    ----------
    recipe, data
        Recipe to pre-train with, and labeled graphs.
    repeat
        Number of the repeat, which is used as the seed.
    device
        Device to train on.

    Returns
    -------
    dict
        Maps "published" (the protocol of the DACL paper, which evaluates the last five epochs) and "honest" (which
        evaluates the last epoch) to a list of epochs, each a list of the accuracies of its ten folds.
    """
    return _score_features(_last_epochs(recipe, data, repeat, device), data, repeat)


def _score_features(features: Sequence[ndarray], data: LabeledRecords, repeat: int) -> dict[str, Any]:
    return {
        "published": [round_accuracies(adam_on_folds(z, data.y, seed=repeat)) for z in features],
        "honest": _folds(data, features[-1], repeat, PROBES["linear"]),
    }


def _last_epochs(recipe: Recipe, data: LabeledRecords, seed: int, device: str) -> list[ndarray]:
    """Pre-train on all graphs, and return their features after each of the last five epochs, each of shape (n, d)."""
    rows = len(data.x)
    batches = math.ceil(rows / recipe.train.auto_batch)
    fit = Fit.begin(Recipe.load(recipe, {"train.batch_size": rows // batches}), data.spec, data.x, seed, device)
    return [
        embed(fit.encoder, data.x)
        for step in fit.steps()
        if step.step % fit.plan.steps_per_epoch == 0 and step.epoch >= fit.plan.epochs - LAST_EPOCHS
    ]


def _folds(data: LabeledRecords, features: ndarray, repeat: int, probe: Probe) -> list[list[float]]:
    result = cross_validate_probe(data.task, [[features]], data.y, seed=repeat, probe=probe)
    return [round_accuracies(epoch) for epoch in result.each[0]]


def round_accuracies(values: ndarray) -> list[float]:
    """Round accuracies to five decimals and return them as a list for a report."""
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
