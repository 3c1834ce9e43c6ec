"""Compare with ROCKET: random convolutions and a ridge model, a common baseline for time series.

Dempster, Petitjean & Webb, ROCKET: exceptionally fast and accurate time series classification using random
convolutional kernels, Data Mining and Knowledge Discovery 34 (2020).
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Float32
from numpy import ndarray
from scipy.special import softmax
from sklearn.linear_model import RidgeClassifierCV, RidgeCV
from sklearn.preprocessing import StandardScaler

from contramix.domains.series.spec import SeriesSpec
from contramix.errors import InputError
from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs, EvaluationRecords
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.predictors import domain_features

ALPHAS = np.logspace(-3, 3, 10)
"""Regularization strengths of the ridge model to choose from, as in the ROCKET paper."""


def rocket(records: EvaluationRecords) -> Callable[[PredictionProblem], Predictions]:
    """Return a function that fits a ridge model on the features of 1,000 random kernels and predicts the test rows.

    Each split has its own random kernels. :func:`contramix.predictors.domain_features.rocket` computes the features.

    Raises
    ------
    InputError
        If the records are not time series.
    """

    if not isinstance(records.spec, SeriesSpec):
        raise InputError("the baseline 'rocket' is for series")

    @lru_cache(maxsize=1)
    def features(seed: int) -> Float32[ndarray, " n f"]:
        return domain_features.rocket(records.spec, records.x, seed)

    return lambda problem: _ridge(problem, features(problem.encoder_seed))


def _ridge(problem: PredictionProblem, z: Float32[ndarray, " n f"]) -> Predictions:
    scaler = StandardScaler().fit(z[problem.train])
    train, test = (scaler.transform(z[rows]).astype(np.float64) for rows in (problem.train, problem.test))
    if problem.task.kind == "regression":
        fitted = RidgeCV(ALPHAS).fit(train, problem.y)
        return Predictions(np.asarray(fitted.predict(test)), chosen=f"alpha = {fitted.alpha_:g}")
    fitted = RidgeClassifierCV(ALPHAS).fit(train, problem.y)
    decided = fitted.decision_function(test)
    if decided.ndim == 1:
        decided = np.stack([-decided, decided], 1)
    score = np.zeros((len(test), len(problem.task.classes)))
    score[:, fitted.classes_] = softmax(decided, 1)
    return Predictions(np.asarray(fitted.classes_[decided.argmax(1)]), score, f"alpha = {fitted.alpha_:g}")


def make_rocket(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that fits a ridge model on random convolutions of the series."""
    return [Candidate("rocket", "baseline", "rocket", rocket(inputs.records))]


ROCKET = Baseline(
    "rocket",
    "random convolutional kernels of series, and a ridge model",
    "ROCKET's random convolutions and a linear model",
    make_rocket,
    domains=("series",),
)
