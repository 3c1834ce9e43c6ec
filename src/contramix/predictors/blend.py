"""Blend linear models and tree ensembles on several blocks of features, with weights chosen on held-out rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int
from numpy import ndarray
from torch import Tensor

from contramix.models.task import Task
from contramix.predictors.domain_features import BLOCKS
from contramix.predictors.feature_rows import FeatureScale
from contramix.predictors.labeled_rows import Fold, Targets, split_folds
from contramix.predictors.linear import LinearModel, empty_predictions, fit_least_squares, fit_linear
from contramix.predictors.trees import TreeEnsemble, fit_trees
from contramix.predictors.weights import blend_weights, learn_sharpness, representation_share, sharpen
from contramix.runtime.threads import one_thread_for_few

PartKind = Literal["linear", "least-squares", "forest", "extra-trees", "boosting"]
LINEAR_KINDS: tuple[PartKind, ...] = ("linear", "least-squares")
"""Kinds of models that are stored as a linear model."""
Features = Mapping[str, Float[ndarray, "..."]]
"""Blocks of features by name, such as ``"raw"``: arrays with one row for each record."""
REPRESENTATION = "representation"
"""Prefix of the names of blocks that hold representations: ``representation.0`` of the first encoder, and so on."""
UNLABELED = 5000
"""Maximum number of rows on which the agreement of the parts is measured."""
FOLD_REPEATS = 2
"""Number of times that the labeled rows are split into folds."""


class Part(NamedTuple):
    """Describe a part of a blend: one model on some blocks of features.

    Parameters
    ----------
    kind
        Kind of model: ``"linear"`` (logistic or ridge regression), ``"least-squares"`` (ridge regression, also for
        classes), or one of the tree ensembles ``"forest"``, ``"extra-trees"`` and ``"boosting"``.
    blocks
        Names of the blocks of features that the model uses side by side.
    prior
        Weight of the part without data, relative to the other parts.
    """

    kind: PartKind
    blocks: tuple[str, ...]
    prior: float


@dataclass(frozen=True)
class Blend:
    """Predict with a weighted mean of the predictions of several models.

    Parameters
    ----------
    task
        What is predicted: classes or a number.
    parts, models, weights
        Description, fitted model and weight of each part.
    scales
        Mean and scale of the features of each block, by the name of the block.
    mean, scale
        Mean and standard deviation by which a numeric target is standardized.
    validation_score
        Accuracy, or R squared, of predictions of held-out labeled rows. It is a little too high, because the weights
        were chosen on these predictions. None: no rows were held out, or the blend was loaded.
    sharpness
        Exponent of the averaged class probabilities; see :func:`contramix.predictors.weights.learn_sharpness`.
    """

    task: Task
    parts: tuple[Part, ...]
    models: tuple[LinearModel | TreeEnsemble, ...]
    weights: Float64[ndarray, " parts"]
    scales: dict[str, tuple[Float[ndarray, " d"], Float[ndarray, " d"]]]
    mean: float = 0.0
    scale: float = 1.0
    validation_score: float | None = None
    sharpness: float = 1.0

    def scores(self, features: Features) -> Float64[ndarray, " n C"] | Float64[ndarray, " n"]:
        """Return class probabilities of shape (n, C), or n numeric predictions, for blocks of features of n rows."""
        every_row = np.arange(len(next(iter(features.values()))))
        scales = {name: FeatureScale(features[name], *scale) for name, scale in self.scales.items()}
        scaled = {name: _scaled(name, scale, every_row) for name, scale in scales.items()}
        parts = zip(self.parts, self.models, self.weights)
        total = sum(weight * model(_side_by_side(scaled, part.blocks)) for part, model, weight in parts)
        if self.task.classes:
            return sharpen(total, self.sharpness)
        return np.asarray(total[:, 0] * self.scale + self.mean)

    def tensors(self) -> dict[str, Tensor]:
        """Return everything that was learned as tensors by name; :meth:`from_tensors` is the inverse."""
        found: dict[str, Any] = {"weights": self.weights, "target": np.array([self.mean, self.scale, self.sharpness])}
        for name, (mean, scale) in self.scales.items():
            found |= {f"scales.{name}.mean": mean, f"scales.{name}.scale": scale}
        for number, model in enumerate(self.models):
            found |= {f"parts.{number}.{name}": value for name, value in model._asdict().items()}
        return {name: torch.from_numpy(np.array(value)) for name, value in found.items()}

    @classmethod
    def from_tensors(cls, task: Task, parts: Sequence[Part], tensors: Mapping[str, Tensor]) -> "Blend":
        """Rebuild a blend from the tensors that :meth:`tensors` returned.

        Parameters
        ----------
        task
            What is predicted: classes or a number.
        parts
            Descriptions of the parts, in the same order.
        tensors
            Tensors by name.

        Raises
        ------
        KeyError
            If a tensor is missing.
        """
        arrays = {name: value.numpy() for name, value in tensors.items()}
        blocks = dict.fromkeys(block for part in parts for block in part.blocks)
        scales = {name: (arrays[f"scales.{name}.mean"], arrays[f"scales.{name}.scale"]) for name in blocks}
        models: list[LinearModel | TreeEnsemble] = []
        for number, part in enumerate(parts):
            kind: Any = LinearModel if part.kind in LINEAR_KINDS else TreeEnsemble
            models.append(kind(**{name: arrays[f"parts.{number}.{name}"] for name in kind._fields}))
        mean, scale, sharpness = map(float, [*arrays["target"], 1.0][:3])  # early blends have no sharpness
        return cls(task, tuple(parts), tuple(models), arrays["weights"], scales, mean, scale, None, sharpness)


def fit_blend(
    targets: Targets,
    features: Features,
    rows: Int[ndarray, " n"],
    parts: Sequence[Part],
    seed: int,
) -> Blend:
    """Fit all parts to labeled rows, and choose their weights on held-out rows.

    Every part is fitted on the folds of the labeled rows, which gives predictions of held-out rows, and then on all
    labeled rows. Features are standardized with the statistics of all rows, labeled or not.

    Parameters
    ----------
    targets
        Targets of the labeled rows.
    features
        Blocks of features of all training rows.
    rows
        Row numbers of the labeled rows, in the order of the targets.
    parts
        Parts of the blend.
    seed
        Seed of the folds and of the tree ensembles.
    """
    names = {block for part in parts for block in part.blocks}
    every_row = np.arange(len(next(iter(features.values()))))
    scales = {name: _learn_scale(name, features[name], every_row, rows) for name in names}
    labeled = {name: _scaled(name, scales[name], rows) for name in names}
    mean, scale = 0.0, 1.0
    if not targets.task.classes:
        mean, scale = float(targets.y.mean()), float(targets.y.std()) or 1.0
        targets = targets._replace(y=(targets.y - mean) / scale)
    folds = split_folds(targets.task, targets.y, seed, FOLD_REPEATS)
    with one_thread_for_few(len(rows)):
        fitted = [_fit_part(targets, part, _side_by_side(labeled, part.blocks), folds, seed) for part in parts]
    models, held_out = tuple(model for model, _ in fitted), [predictions for _, predictions in fitted]
    some = every_row[:: -(-len(every_row) // UNLABELED)]
    unlabeled = {name: _scaled(name, scales[name], some) for name in names}
    guesses = [model(_side_by_side(unlabeled, part.blocks)) for part, model in zip(parts, models)]
    weights = blend_weights(targets, held_out, _prior(parts, guesses))
    averaged = np.asarray(sum(weight * each for weight, each in zip(weights, held_out)))
    score = _validation_score(targets, averaged)
    sharpness = learn_sharpness(targets, averaged) if targets.task.classes else 1.0
    arrays = {name: (each.mean.astype(np.float32), each.scale.astype(np.float32)) for name, each in scales.items()}
    return Blend(targets.task, tuple(parts), models, weights, arrays, mean, scale, score, sharpness)


def _learn_scale(
    name: str, z: Float[ndarray, " n d"], rows: Int[ndarray, " m"], labeled: Int[ndarray, " k"]
) -> FeatureScale:
    """Return how the features ``z`` of a block are standardized, with statistics of ``rows``."""
    if name in BLOCKS and BLOCKS[name].terms:
        return FeatureScale.of_terms(z, labeled)
    scale = FeatureScale.learn(z, rows)
    return scale.with_one_scale() if name in BLOCKS and BLOCKS[name].one_scale else scale


def _scaled(name: str, scale: FeatureScale, rows: Int[ndarray, " m"]) -> Float32[ndarray, " m d"]:
    """Return the standardized features of some rows of a block."""
    z = scale.rows(rows)[:]
    if not (name in BLOCKS and BLOCKS[name].terms):
        return z
    size = np.linalg.norm(z, axis=1, keepdims=True) / np.sqrt(z.shape[1])  # features of about the usual size, 1
    return np.asarray(z / np.maximum(size, 1e-12), np.float32)


def _validation_score(targets: Targets, held_out: Float64[ndarray, " repeats n k"]) -> float | None:
    """Return the accuracy, or R squared, of predictions of held-out rows; NaN where a row was not held out."""
    found = []
    for predicted in held_out:
        known = ~np.isnan(predicted[:, 0])
        decided = predicted.argmax(1) if targets.task.classes else predicted[:, 0]
        if known.any():
            found.append(targets.task.per_row_scores(targets.y[known], decided[known]).mean())
    return float(np.mean(found)) if found else None


def _prior(parts: Sequence[Part], guesses: Sequence[Float64[ndarray, " n k"]]) -> Float64[ndarray, " parts"]:
    """Return the weights of the parts before held-out rows are seen.

    If there are parts on representations, their share of the weight depends on how well the linear ones agree with
    boosting on raw features on rows without labels. ``guesses`` holds the predictions of each part for such rows.
    """
    prior = np.array([part.prior for part in parts])
    learned = np.array([any(block.startswith(REPRESENTATION) for block in part.blocks) for part in parts])
    kinds = np.array([part.kind for part in parts])
    judge = np.flatnonzero(~learned & (kinds == "boosting"))
    linear, trees = (~learned & np.isin(kinds, names) for names in (["linear"], ["forest", "extra-trees"]))
    from_representations = learned & (kinds == "linear")
    if len(judge) and linear.any() and trees.any() and from_representations.any():

        def mean(which: Bool[ndarray, " parts"]) -> Float64[ndarray, " n k"]:
            return np.asarray(np.mean([guess for guess, wanted in zip(guesses, which) if wanted], axis=0))

        plain = [mean(linear), mean(trees)]
        share = representation_share(guesses[judge[0]], plain, mean(from_representations))
        prior[learned] *= share / prior[learned].sum()
        prior[~learned] *= (1 - share) / prior[~learned].sum()
    return np.asarray(prior / prior.sum())


def _fit_part(
    targets: Targets, part: Part, x: Float32[ndarray, " n d"], folds: list[Fold], seed: int
) -> tuple[LinearModel | TreeEnsemble, Float64[ndarray, " repeats n k"]]:
    """Fit a part to the labeled rows; return the model, and the predictions of held-out rows."""
    if part.kind == "least-squares" and targets.task.classes:
        return fit_least_squares(targets, x, folds)
    if part.kind in LINEAR_KINDS:
        return fit_linear(targets, x, folds)
    held_out = empty_predictions(targets.task, len(targets.y), folds)
    for number, fold in enumerate(folds):
        model = fit_trees(targets.take(fold.train), part.kind, x[fold.train], seed + number, fold=True)
        held_out[fold.repeat, fold.held] = model(x[fold.held])
    return fit_trees(targets, part.kind, x, seed), held_out


def _side_by_side(blocks: Mapping[str, ndarray], names: Sequence[str]) -> Float32[ndarray, " n d"]:
    found = [blocks[name] for name in names]
    return found[0] if len(found) == 1 else np.concatenate(found, 1)
