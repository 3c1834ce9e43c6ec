"""The plain baselines: what a pre-trained model has to beat on the same rows and labels."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from torch import Tensor

from contramix.domains.table.spec import TableSpec
from contramix.encoders.encoder import Encoder
from contramix.evaluation.task import Task
from contramix.randomness import Key, seeded
from contramix.recipe import Recipe

MOST_ONE_HOT = 1000


def raw_features(spec: TableSpec, x: Tensor) -> Float32[ndarray, " n d"]:
    """The columns as the encoder sees them, coded levels as one-hot (beyond 1,000 levels: sharing places)."""
    codes = dict(spec.inputs().codes)
    parts = [x.numpy()[:, [i for i in range(x.shape[1]) if i not in codes]]]
    for element, levels in codes.items():
        code = x[:, element].long() % MOST_ONE_HOT
        parts.append(torch.nn.functional.one_hot(code, min(levels, MOST_ONE_HOT)).float().numpy())
    return np.concatenate(parts, 1)


def untrained_encoder(recipe: Recipe, spec: TableSpec, seed: int) -> Encoder:
    """The same encoder with the weights that a run of this seed begins with."""
    with seeded(Key(seed).at("weights")):
        return recipe.encoder.build(spec.inputs())


def trees(task: Task, z: ndarray, y: ndarray, test: ndarray, seed: int) -> ndarray:
    """Extremely randomised trees, 300 of them, otherwise scikit-learn's defaults."""
    kind = ExtraTreesClassifier if task.kind == "classification" else ExtraTreesRegressor
    return np.asarray(kind(n_estimators=300, n_jobs=-1, random_state=seed).fit(z, y).predict(test))


def boosting(task: Task, z: ndarray, y: ndarray, test: ndarray, seed: int) -> ndarray:
    """Histogram gradient boosting with scikit-learn's defaults."""
    if task.kind == "regression":
        return np.asarray(HistGradientBoostingRegressor(random_state=seed).fit(z, y).predict(test))
    # A class with one row cannot be learned, makes boosting diverge, and, where rows are held out to stop early
    # (beyond 10,000), cannot be split: such rows are left out unless they are all there is.
    alone = np.bincount(y)[y] == 1
    if len(np.unique(y[~alone])) > 1:
        z, y = z[~alone], y[~alone]
    return np.asarray(HistGradientBoostingClassifier(random_state=seed).fit(z, y).predict(test))


ENSEMBLES: dict[str, Callable[[Task, ndarray, ndarray, ndarray, int], ndarray]] = {
    "trees": trees,
    "boosting": boosting,
}
