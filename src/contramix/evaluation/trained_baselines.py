"""What is trained for a comparison: the same network with Gaussian noise, and all weights on the labels."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray

from contramix.encoders.encoder import Encoder
from contramix.evaluation.baselines import untrained_encoder
from contramix.evaluation.features import frozen_features
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.evaluation.protocol import Candidate, RowKind
from contramix.models.finetuning import fine_tune
from contramix.models.labeled_records import LabeledRecords
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import Fit, resolve_device
from contramix.recipe import Recipe
from contramix.samples.samples import compute_fingerprint, take
from contramix.training.reporter import SILENT, Reporter


def gaussian_recipe(recipe: Recipe) -> Recipe:
    """DACL's baseline for a recipe: its encoder, table settings and training, with SimCLR on Gaussian noise.

    Examples
    --------
    >>> twin = gaussian_recipe(Recipe.load("imix-npair", {"encoder.width": 64}))
    >>> twin.name, twin.encoder.width, twin.imix
    ('gaussian', 64, None)
    """
    kept = {"encoder": recipe.encoder, "train": recipe.train, recipe.domain: recipe.data}
    return Recipe.load("gaussian", domain=recipe.domain).model_copy(update=kept)


def gaussian_features(
    folder: Path,
    recipe: Recipe,
    data: LabeledRecords,
    seed: int,
    device: str,
    reporter: Reporter = SILENT,
) -> tuple[Float32[ndarray, " n d"], float]:
    """Features of all records by the Gaussian twin, and the seconds that its pre-training took.

    It sees the rows outside the official test part, by the same specification. Its model is kept in a folder below
    ``folder`` whose name stands for recipe, rows and seed, so that a later call takes it as it is.
    """
    twin = gaussian_recipe(recipe)
    what = f"{twin.to_toml()}{seed}{compute_fingerprint(data.training)}".encode()
    place = folder / f"gaussian-{hashlib.sha256(what).hexdigest()[:12]}"
    if not (place / "config.json").is_file():
        fit = Fit.begin(twin, data.spec, data.training, seed, device)
        began = time.monotonic()
        for _ in reporter.steps("gaussian", fit.plan, 0, fit.steps()):
            pass
        model = fit.finish()
        model.facts["seconds"] = round(time.monotonic() - began, 3)
        model.save(place)
    model = Pretrained.load(place, resolve_device(device))
    return frozen_features(model.encoder, data.x), float(model.facts["seconds"])


def fine_tuned(
    name: str,
    kind: RowKind,
    encoder_of: Callable[[int], Encoder],
    data: LabeledRecords,
    device: torch.device,
    seconds: float = 0.0,
) -> Candidate:
    """All weights trained on the labels, from those that ``encoder_of(split)`` has."""

    def predict(problem: PredictionProblem) -> Predictions:
        train, test = (take(data.x, torch.from_numpy(np.asarray(rows))) for rows in (problem.train, problem.test))
        tuned = fine_tune(
            encoder_of(problem.split), train, problem.y, problem.task, seed=problem.seed, device=str(device)
        )
        scores = tuned.scores(test)
        if problem.task.kind == "regression":
            return Predictions(scores)
        return Predictions(scores.argmax(1), scores)

    return Candidate(name, kind, "finetune", predict, seconds=seconds)


def supervised(recipe: Recipe, data: LabeledRecords, device: torch.device) -> Candidate:
    """The network of a recipe trained on the labels alone, from the first weights of each split's seed."""

    def first_weights(split: int) -> Encoder:
        return untrained_encoder(recipe, data.spec, split)

    return fine_tuned("supervised", "baseline", first_weights, data, device)
