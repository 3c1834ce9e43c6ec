"""Fit scikit-learn models: convert their output to predictions, and choose the regularization of linear ones."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy import ndarray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge

from contramix.evaluation.probes.choosing import choose, log_likelihoods
from contramix.evaluation.problem import PredictionProblem, Predictions, ValidationSplit
from contramix.models.task import Task

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""Values of C, the inverse regularization strength as in scikit-learn, to choose from."""


def predict_with(task: Task, model: Any, test: ndarray | csr_matrix) -> Predictions:
    """Predict the test rows with a fitted scikit-learn model: class numbers and probabilities, or numeric values.

    ``test`` holds the features of the test rows. A class of ``task`` that the training rows did not have gets
    probability 0.
    """
    if task.kind == "regression":
        return Predictions(np.asarray(model.predict(test)))
    probabilities = model.predict_proba(test)
    score = np.zeros((test.shape[0], len(task.classes)))
    score[:, model.classes_] = probabilities
    return Predictions(np.asarray(model.classes_[probabilities.argmax(1)]), score)


def sparse_linear_predictor(features: Callable[[ndarray], csr_matrix]) -> Callable[[PredictionProblem], Predictions]:
    """Return a function that fits a linear model on sparse features and predicts the test rows of a problem.

    The model is logistic regression, or ridge regression for a numeric target. Its regularization is chosen on
    validation rows.

    Parameters
    ----------
    features
        Function that takes the row numbers of the training rows, and returns the features of all records. It may fit a
        vocabulary on the training rows.
    """

    def predict(problem: PredictionProblem) -> Predictions:
        x = features(problem.train)

        def fitted(strength: float, rows: ndarray, y: ndarray) -> LogisticRegression | Ridge:
            if problem.task.kind == "regression":
                return Ridge(1 / strength, random_state=problem.seed).fit(x[rows], y)
            return LogisticRegression(C=strength, max_iter=1000, random_state=problem.seed).fit(x[rows], y)

        def predict_validation(part: ValidationSplit) -> Iterator[Predictions]:
            for strength in STRENGTHS:
                yield predict_with(problem.task, fitted(strength, part.train, part.train_y), x[part.validation])

        best = choose(problem, STRENGTHS, predict_validation, log_likelihoods, stop_when_worse=True)
        predicted = predict_with(problem.task, fitted(best, problem.train, problem.y), x[problem.test])
        return predicted._replace(chosen=f"C = {best:g}{problem.choice_note}")

    return predict
