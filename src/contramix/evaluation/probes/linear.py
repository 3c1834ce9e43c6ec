"""Fit L2-regularized logistic or ridge regression on standardized features."""

from collections.abc import Iterator
from copy import copy
from typing import Any

from numpy import ndarray

from contramix.evaluation.probes.choosing import choose
from contramix.evaluation.probes.logistic import Logistic
from contramix.evaluation.probes.ridge import Ridge
from contramix.evaluation.probes.rows import standardized
from contramix.evaluation.problem import PredictionProblem, Predictions, ValidationSplit

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
"""Inverse regularization strengths to choose from, the weakest regularization last."""
TOLERANCE, FINAL_TOLERANCE = 1e-3, 1e-4
"""Tolerances of the gradient of logistic regression, while choosing and for the final fit."""


def linear(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict by logistic regression, or by ridge regression for a numeric target, on standardized features.

    The regularization is chosen on held-out training rows; the final model is fitted on all training rows.
    """
    task = problem.task
    model = Logistic if task.kind == "classification" else Ridge
    starts: dict[float, Any] = {}

    def predict(split: ValidationSplit) -> Iterator[ndarray]:
        fit, validation = standardized(z, split.train, split.validation)
        fitted = model(task, fit, split.train_y)
        for strength in STRENGTHS:
            yield fitted.fit(strength, TOLERANCE).predict(validation).value
            starts.setdefault(strength, copy(fitted))

    # Once regularization is too weak, weaker regularization only overfits more.
    best = choose(problem, STRENGTHS, predict, stop_when_worse=True)
    train, test = standardized(z, problem.train, problem.test)
    fitted = model(task, train, problem.y).fit(best, FINAL_TOLERANCE, starts.get(best))
    return fitted.predict(test)._replace(chosen=f"C = {best:g}{problem.choice_note}")
