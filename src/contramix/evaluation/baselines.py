"""The plain baselines: what a pre-trained model has to beat on the same rows and labels."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from contramix.domains import Spec
from contramix.encoders.encoder import Encoder
from contramix.evaluation.probes import Probe
from contramix.evaluation.probes.rows import standardized
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.models.building import build_encoder
from contramix.models.task import Task
from contramix.recipe import Recipe
from contramix.runtime.randomness import Key, seeded
from contramix.samples.samples import Samples, sequential_batches
from contramix.types import values_of

MOST_ONE_HOT = 1000


def raw_features(spec: Spec, x: Samples) -> Float32[ndarray, " n d"]:
    """What a plain model is given: the domain's own features, or the encoder's inputs as flat vectors, coded levels as
    one-hot (beyond 1,000 levels: sharing places)."""
    own = spec.features(x)
    if own is not None:
        return own
    codes, front = dict(spec.inputs().codes), spec.frontend()
    inputs = torch.cat([values_of(front(batch)).flatten(1) for batch in sequential_batches(x)])
    parts = [inputs.numpy()[:, [i for i in range(inputs.shape[1]) if i not in codes]]] if codes else [inputs.numpy()]
    for element, levels in codes.items():
        code = inputs[:, element].long() % MOST_ONE_HOT
        parts.append(torch.nn.functional.one_hot(code, min(levels, MOST_ONE_HOT)).float().numpy())
    return np.concatenate(parts, 1)


def untrained_encoder(recipe: Recipe, spec: Spec, seed: int) -> Encoder:
    """The same encoder with the weights that a run of this seed begins with."""
    with seeded(Key(seed).at("weights")):
        return build_encoder(recipe.encoder, spec)


def pca(raw: Float32[ndarray, " n d"], train: ndarray, width: int) -> Float32[ndarray, " n k"]:
    """The leading principal components, as many as the encoder's width or as there are, learned on training rows."""
    fitted, everything = (rows[:] for rows in standardized(raw, train, np.arange(len(raw))))
    return np.asarray(PCA(min(width, *fitted.shape), random_state=0).fit(fitted).transform(everything), np.float32)


def trees(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Extremely randomised trees, 300 of them, otherwise scikit-learn's defaults."""
    kind = ExtraTreesClassifier if problem.task.kind == "classification" else ExtraTreesRegressor
    model = kind(n_estimators=300, n_jobs=-1, random_state=problem.seed).fit(z[problem.train], problem.y)
    return predictions(problem.task, model, z[problem.test])


def boosting(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Histogram gradient boosting with scikit-learn's defaults."""
    train, y = z[problem.train], problem.y
    if problem.task.kind == "regression":
        model = HistGradientBoostingRegressor(random_state=problem.seed).fit(train, y)
        return predictions(problem.task, model, z[problem.test])
    # A class with one row cannot be learned, makes boosting diverge, and, where rows are held out to stop early
    # (beyond 10,000), cannot be split: such rows are left out unless they are all there is.
    alone = np.bincount(y)[y] == 1
    if len(np.unique(y[~alone])) > 1:
        train, y = train[~alone], y[~alone]
    model = HistGradientBoostingClassifier(random_state=problem.seed).fit(train, y)
    return predictions(problem.task, model, z[problem.test])


def predictions(task: Task, model: Any, test: ndarray | csr_matrix) -> Predictions:
    """What a fitted scikit-learn model predicts; classes that it never saw get the lowest score."""
    if task.kind == "regression":
        return Predictions(np.asarray(model.predict(test)))
    shares = model.predict_proba(test)
    score = np.zeros((test.shape[0], len(task.classes)))
    score[:, model.classes_] = shares
    return Predictions(np.asarray(model.classes_[shares.argmax(1)]), score)


ENSEMBLES: dict[str, Probe] = {"trees": trees, "boosting": boosting}
