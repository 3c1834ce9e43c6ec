"""Fit L2-regularized logistic regression or ridge regression on standardized features."""

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
"""Values of C, the inverse regularization strength, to choose from; the last one regularizes least."""
TOLERANCE, FINAL_TOLERANCE = 1e-3, 1e-4
"""Gradient tolerances of logistic regression: the first while choosing the regularization, the second for the final
fit."""


def linear(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict with logistic regression, or ridge regression for a numeric target, on standardized features.

    The regularization strength is chosen on validation rows. The final model is fitted on all training rows. ``z``
    holds the features of all records.
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
