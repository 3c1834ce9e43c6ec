"""Linear probe: L2-regularised logistic or ridge regression on standardised features."""

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
"""Inverse regularisation strengths, weakest last."""
TOLERANCE, FINAL_TOLERANCE = 1e-3, 1e-4
"""Of the logistic regression's gradient, while choosing and at the end."""


def linear(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Logistic or ridge regression; its strength is chosen on held-out training rows, and the chosen one is fitted on
    all training rows."""
    task = problem.task
    model = Logistic if task.kind == "classification" else Ridge
    starts: dict[float, Any] = {}

    def predict(part: ValidationSplit) -> Iterator[ndarray]:
        fit, validation = standardized(z, part.train, part.validation)
        fitted = model(task, fit, part.train_y)
        for strength in STRENGTHS:
            yield fitted.fit(strength, TOLERANCE).predict(validation).value
            starts.setdefault(strength, copy(fitted))

    # Weaker regularisation than one that is too weak only overfits more.
    best = choose(problem, STRENGTHS, predict, stop_when_worse=True)
    train, test = standardized(z, problem.train, problem.test)
    fitted = model(task, train, problem.y).fit(best, FINAL_TOLERANCE, starts.get(best))
    return fitted.predict(test)._replace(chosen=f"C = {best:g}{problem.choice_note}")
