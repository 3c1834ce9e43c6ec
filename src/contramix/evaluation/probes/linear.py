"""Linear probe: L2-regularised logistic or ridge regression on standardised features."""

import warnings
from typing import Any

import numpy as np
from numpy import ndarray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from contramix.evaluation.probes.standardising import standardise
from contramix.evaluation.problem import Predicted, Problem
from contramix.evaluation.task import Task

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Inverse regularisation strengths, weakest last."""
TOLERANCE, FINAL_TOLERANCE = 1e-3, 1e-4
"""Of the logistic regression's gradient, while choosing and at the end."""


def linear(problem: Problem, z: ndarray) -> Predicted:
    """Logistic or ridge regression; its strength is chosen on held-out training rows, and the chosen one is fitted on
    all training rows."""
    task, parts = problem.task, problem.choices()
    scaled = [standardise(z[part.fit], z[part.judge]) for part in parts]
    best, best_score, best_model = STRENGTHS[0], -np.inf, None
    models: list[Any] = [None] * len(parts)
    for strength in STRENGTHS:
        models = [_fit(task, fit, part.fit_y, strength, m) for (fit, _), part, m in zip(scaled, parts, models)]
        hits = [
            task.contributions(part.judge_y, model.predict(judge))
            for (_, judge), part, model in zip(scaled, parts, models)
        ]
        score = float(np.concatenate(hits).mean())
        if score < best_score:
            break  # weaker regularisation only overfits more
        if score > best_score:
            best, best_score, best_model = strength, score, models[0]
    train, test = standardise(z[problem.train], z[problem.test])
    model = _fit(task, train, problem.y, best, best_model, FINAL_TOLERANCE)
    return predictions(task, model, test, f"C = {best:g}")


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


def predictions(task: Task, model: Any, test: ndarray, chosen: str = "") -> Predicted:
    """What a fitted scikit-learn model predicts; classes that it never saw get the lowest score."""
    if task.kind == "regression":
        return Predicted(np.asarray(model.predict(test)), chosen=chosen)
    shares = model.predict_proba(test)
    score = np.zeros((len(test), len(task.classes)))
    score[:, model.classes_] = shares
    return Predicted(np.asarray(model.classes_[shares.argmax(1)]), score, chosen)
