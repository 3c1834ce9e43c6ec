"""A linear model on sparse features, its strength chosen on rows held out of the training rows."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy import ndarray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge

from contramix.evaluation.baselines import predictions
from contramix.evaluation.probes.choosing import choose
from contramix.evaluation.problem import PredictionProblem, Predictions, ValidationSplit

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""Inverses of the regularisation, scikit-learn's C."""


def linear_on(features: Callable[[ndarray], csr_matrix]) -> Callable[[PredictionProblem], Predictions]:
    """A predictor on features of all records, which are made anew for the rows that are fitted on.

    Parameters
    ----------
    features
        From row numbers, from which a vocabulary may be learned, to features of all records.
    """

    def predict(problem: PredictionProblem) -> Predictions:
        x = features(problem.train)

        def fitted(strength: float, rows: ndarray, y: ndarray) -> LogisticRegression | Ridge:
            if problem.task.kind == "regression":
                return Ridge(1 / strength, random_state=problem.seed).fit(x[rows], y)
            return LogisticRegression(C=strength, max_iter=1000, random_state=problem.seed).fit(x[rows], y)

        def tried(part: ValidationSplit) -> Iterator[ndarray]:
            return (np.asarray(fitted(s, part.train, part.train_y).predict(x[part.validation])) for s in STRENGTHS)

        best = choose(problem, STRENGTHS, tried)
        predicted = predictions(problem.task, fitted(best, problem.train, problem.y), x[problem.test])
        return predicted._replace(chosen=f"C = {best:g}")

    return predict
