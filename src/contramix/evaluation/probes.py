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
from sklearn.model_selection import train_test_split

from contramix.evaluation.task import Task

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Inverse regularisation strengths, weakest last."""
NEIGHBOURS = (1, 5, 20)
HOLD_OUT = 0.2

Probe = Callable[[Task, ndarray, ndarray, ndarray, int], ndarray]
"""(task, training features, training targets, test features, seed) to test predictions."""


def linear(task: Task, z: ndarray, y: ndarray, test: ndarray, seed: int) -> ndarray:
    """Logistic or ridge regression on standardised features; its strength is chosen on a fifth of the training
    rows and the chosen one is fitted on all of them."""
    z, test = standardise(z, test)
    fit, held = hold_out(task, y, seed)
    best, best_score = STRENGTHS[0], -np.inf
    model: Any = None
    for strength in STRENGTHS:
        model = _fit(task, z[fit], y[fit], strength, model)
        score = task.contributions(y[held], model.predict(z[held])).mean()
        if score < best_score:
            break  # weaker regularisation only overfits more
        if score > best_score:
            best, best_score = strength, score
    return np.asarray(_fit(task, z, y, best, None).predict(test))


def _fit(task: Task, z: ndarray, y: ndarray, strength: float, start: Any) -> Any:
    if task.kind == "regression":
        return Ridge(alpha=1 / strength).fit(z, y)
    model = LogisticRegression(C=strength, max_iter=200, warm_start=True)
    if start is not None and np.array_equal(start.classes_, np.unique(y)):
        model.coef_, model.intercept_, model.classes_ = start.coef_, start.intercept_, start.classes_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(z, y)


def knn(task: Task, z: ndarray, y: ndarray, test: ndarray, seed: int) -> ndarray:
    """The vote (or mean) of the nearest training rows on standardised features; how many is chosen among 1, 5 and
    20 on a fifth of the training rows."""
    z, test = standardise(z, test)
    fit, held = hold_out(task, y, seed)
    near = _nearest(z[fit], z[held], min(max(NEIGHBOURS), len(fit)))
    scores = [
        task.contributions(y[held], _vote(task, y[fit][near[:, :k]])).mean() if k <= len(fit) else -np.inf
        for k in NEIGHBOURS
    ]
    k = NEIGHBOURS[int(np.argmax(scores))]
    return _vote(task, y[_nearest(z, test, k)])


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


def hold_out(task: Task, y: ndarray, seed: int) -> tuple[ndarray, ndarray]:
    """Training rows to fit on, and to choose by; stratified where every class has two rows."""
    stratify = None
    if task.kind == "classification":
        counts = np.bincount(y)
        held = max(1, round(HOLD_OUT * len(y)))
        enough = counts[counts > 0].min() >= 2 and held >= len(counts[counts > 0])
        stratify = y if enough else None
    fit, held_rows = train_test_split(np.arange(len(y)), test_size=HOLD_OUT, random_state=seed, stratify=stratify)
    if task.kind == "classification" and len(np.unique(y[fit])) < 2:  # a handful of rows: choose on what was fitted
        return np.arange(len(y)), np.arange(len(y))
    return fit, held_rows


PROBES: dict[str, Probe] = {"linear": linear, "knn": knn}
