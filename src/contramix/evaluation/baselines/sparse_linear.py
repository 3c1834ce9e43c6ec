"""Fit a linear model on sparse features, with the regularization chosen on validation rows."""

from collections.abc import Callable, Iterator

from numpy import ndarray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression, Ridge

from contramix.evaluation.baselines.sklearn_models import predict_with
from contramix.evaluation.probes.choosing import choose, log_likelihoods
from contramix.evaluation.problem import PredictionProblem, Predictions, ValidationSplit

STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
"""Values of C, the inverse regularization strength as in scikit-learn, to choose from."""


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
        return predicted._replace(chosen=f"C = {best:g}")

    return predict
