"""Probes: plain predictors on frozen features. What they choose, they choose on a part of the training rows.

A probe is a function of training features, training targets and test features, and gives predictions. A new one
is one function and one line in ``PROBES``.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from threadpoolctl import threadpool_limits

from contramix.evaluation.task import Task

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Inverse regularisation strengths, weakest last."""
NEIGHBOURS = (1, 5, 20)
FOLDS = 5
FEW_ROWS = 1000
"""Below this many training rows choices are made by five folds; above, one fifth tells enough."""
TOLERANCE, FINAL_TOLERANCE = 1e-3, 1e-4
"""Of the logistic regression's gradient, while choosing and at the end."""

Part = tuple[ndarray, ndarray]
"""Row numbers to fit on, and to choose by."""

Probe = Callable[[Task, ndarray, ndarray, ndarray, int], ndarray]
"""(task, training features, training targets, test features, seed) to test predictions."""


def linear(task: Task, z: ndarray, y: ndarray, test: ndarray, seed: int) -> ndarray:
    """Logistic or ridge regression on standardised features; its strength is chosen on held-out training rows, and the
    chosen one is fitted on all training rows."""
    z, test = standardise(z, test)
    parts = held_out(task, y, seed)
    best, best_score, best_model = STRENGTHS[0], -np.inf, None
    models: list[Any] = [None] * len(parts)
    for strength in STRENGTHS:
        models = [_fit(task, z[fit], y[fit], strength, start) for (fit, _), start in zip(parts, models)]
        score = _score(task, y, parts, [model.predict(z[held]) for (_, held), model in zip(parts, models)])
        if score < best_score:
            break  # weaker regularisation only overfits more
        if score > best_score:
            best, best_score, best_model = strength, score, models[0]
    return np.asarray(_fit(task, z, y, best, best_model, FINAL_TOLERANCE).predict(test))


def _fit(task: Task, z: ndarray, y: ndarray, strength: float, start: Any, tolerance: float = TOLERANCE) -> Any:
    """Fit, from where a weaker or smaller fit ended: the optimum is the same, and much nearer."""
    if task.kind == "regression":
        return Ridge(alpha=1 / strength).fit(z, y)
    model = LogisticRegression(C=strength, max_iter=300, tol=tolerance, warm_start=True)
    if start is not None and np.array_equal(start.classes_, np.unique(y)):
        model.coef_, model.intercept_, model.classes_ = start.coef_, start.intercept_, start.classes_
    # Products as narrow as these gain nothing from a second BLAS thread, and wait for it long if a core is taken.
    with warnings.catch_warnings(), threadpool_limits(limits=1, user_api="blas"):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(z, y)


def knn(task: Task, z: ndarray, y: ndarray, test: ndarray, seed: int) -> ndarray:
    """The vote (or mean) of the nearest training rows on standardised features; how many, 1, 5 or 20, is chosen on
    held-out training rows."""
    z, test = standardise(z, test)
    parts = held_out(task, y, seed)
    few = min(len(fit) for fit, _ in parts)
    most = min(max(NEIGHBOURS), few)
    near = [(fit, _nearest(z[fit], z[held], most)) for fit, held in parts]
    counts = [k for k in NEIGHBOURS if k <= most] or [most]
    scores = [_score(task, y, parts, [_vote(task, y[fit][rows[:, :k]]) for fit, rows in near]) for k in counts]
    return _vote(task, y[_nearest(z, test, counts[int(np.argmax(scores))])])


def _score(task: Task, y: ndarray, parts: list[Part], predicted: list[ndarray]) -> float:
    """The mean over all held-out rows."""
    return float(np.concatenate([task.contributions(y[held], p) for (_, held), p in zip(parts, predicted)]).mean())


def _nearest(z: ndarray, query: ndarray, k: int) -> ndarray:
    """Indices of the k nearest rows by Euclidean distance, nearest first."""
    keys = torch.from_numpy(z)
    half_norm = keys.square().sum(1) / 2
    parts = torch.split(torch.from_numpy(query), 2048)
    return torch.cat([(part @ keys.T - half_norm).topk(k, dim=1).indices for part in parts]).numpy()


def _vote(task: Task, neighbours: ndarray) -> ndarray:
    if task.kind == "regression":
        return np.asarray(neighbours.mean(1))
    counts = np.zeros((len(neighbours), len(task.classes)))
    for column in neighbours.T:
        counts[np.arange(len(counts)), column] += 1
    return np.asarray(counts.argmax(1))


def standardise(z: ndarray, test: ndarray) -> tuple[Float[ndarray, " n d"], Float[ndarray, " m d"]]:
    """Both, by the training rows' mean and standard deviation; constant features become zero."""
    mean, scale = z.mean(0, dtype=np.float64), z.std(0, dtype=np.float64)
    scale = np.where(scale > 1e-8, scale, np.inf)
    return ((z - mean) / scale).astype(np.float32), ((test - mean) / scale).astype(np.float32)


def held_out(task: Task, y: ndarray, seed: int) -> list[Part]:
    """Training rows to fit on, and to choose by: a fifth of them held out, or each fifth in turn where rows are few.

    Every class is in each part where it has rows enough.
    """
    rows = np.arange(len(y))
    if task.kind == "regression":
        folds: Any = KFold(FOLDS, shuffle=True, random_state=seed)
        if len(y) < FOLDS:
            return [(rows, rows)]
    else:
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        if len(y) < FOLDS or np.bincount(y).max() < FOLDS:  # a handful of rows: choose on what was fitted
            return [(rows, rows)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class with fewer rows than folds
        parts = [(fit, held) for fit, held in folds.split(rows, y) if len(np.unique(y[fit])) > 1]
    return parts[:1] if len(y) >= FEW_ROWS else parts


PROBES: dict[str, Probe] = {"linear": linear, "knn": knn}
