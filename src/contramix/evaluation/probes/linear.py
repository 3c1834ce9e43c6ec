"""Fit L2-regularized logistic regression or ridge regression on features that are standardized without labels."""

from collections.abc import Iterator
from copy import copy
from typing import Any

from numpy import ndarray

from contramix.evaluation.probes.choosing import choose, log_likelihoods
from contramix.evaluation.problem import PredictionProblem, Predictions, ValidationSplit
from contramix.predictors.feature_rows import FeatureScale
from contramix.predictors.linear import FINAL_TOLERANCE, STRENGTHS, TOLERANCE, span
from contramix.predictors.regressions import Logistic, Ridge
from contramix.runtime.threads import one_thread_for_few


def linear(problem: PredictionProblem, z: ndarray, one_scale: bool = False) -> Predictions:
    """Predict with logistic regression, or ridge regression for a numeric target.

    Features are standardized with the mean and standard deviation of all rows outside the test rows, labeled or not.
    Features whose only values are 0 and 1 are not changed. The regularization strength is chosen on validation rows by
    the log-likelihood of the classes, or the squared error of a numeric target. The final model is fitted on all
    labeled training rows.

    Parameters
    ----------
    problem
        Prediction problem.
    z
        Features of all records.
    one_scale
        Whether all features are divided by the same number, their root mean square deviation, instead of each by its
        own. It is for features that share a unit and whose relative sizes matter, such as principal components.
    """
    with one_thread_for_few(len(problem.train)):
        return _fit_and_predict(problem, z, one_scale)


def _fit_and_predict(problem: PredictionProblem, z: ndarray, one_scale: bool) -> Predictions:
    task = problem.task
    model = Logistic if task.kind == "classification" else Ridge
    starts: dict[float, Any] = {}
    scale = FeatureScale.learn(z, problem.statistics_rows)
    if one_scale:
        scale = scale.with_one_scale()
    basis = span(scale.rows(problem.train)) if len(problem.train) < z.shape[1] else None

    def predict(split: ValidationSplit) -> Iterator[Predictions]:
        fit, validation = scale.rows(split.train, basis), scale.rows(split.validation, basis)
        fitted = model(task, fit, split.train_y)
        for strength in STRENGTHS:
            yield fitted.fit(strength, TOLERANCE).predict(validation)
            starts.setdefault(strength, copy(fitted))

    # Once regularization is too weak, weaker regularization only overfits more.
    best = choose(problem, STRENGTHS, predict, log_likelihoods, stop_when_worse=True)
    fitted = model(task, scale.rows(problem.train, basis), problem.y).fit(best, FINAL_TOLERANCE, starts.get(best))
    return fitted.predict(scale.rows(problem.test, basis))._replace(chosen=f"C = {best:g}{problem.choice_note}")
