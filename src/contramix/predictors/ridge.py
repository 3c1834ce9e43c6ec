"""Fit ridge regression from products summed over rows, which need not fit into memory."""

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from scipy.linalg import solve

from contramix.models.task import Predictions, Task
from contramix.predictors.feature_rows import FeatureRows


def products(
    rows: FeatureRows, target: Float[ndarray, " n C"]
) -> tuple[Float64[ndarray, " d d"], Float64[ndarray, " d C"]]:
    """Compute ``F^T F`` and ``F^T Y`` in double precision, for features F (``rows``) and targets Y (``target``)."""
    gram, moment = np.zeros((rows.width, rows.width)), np.zeros((rows.width, target.shape[1]))
    for block_rows, block in rows.blocks():
        double = block.astype(np.float64)
        gram += double.T @ double
        moment += double.T @ target[block_rows]
    return gram, moment


class Ridge:
    """Fit ridge regression (L2-regularized least squares) on rows of features.

    It minimizes the sum of squared errors plus ``|w|^2 / C``, where ``C`` is the strength that is given to :meth:`fit`.
    The intercept is not regularized.

    Parameters
    ----------
    task
        Regression task. It is not used; the constructors of this class and of :class:`Logistic` have the same
        parameters.
    rows, y
        Rows of features to fit on, and their numeric targets.
    """

    def __init__(self, task: Task, rows: FeatureRows, y: Float[ndarray, " n"]) -> None:
        self.y_mean = float(y.mean())
        self.x_mean = sum(block.sum(0, dtype=np.float64) for _, block in rows.blocks()) / len(rows)
        self.gram, self.moment = products(rows, (y - self.y_mean)[:, None])
        self.gram -= len(rows) * np.outer(self.x_mean, self.x_mean)
        self.weight, self.intercept = np.zeros(rows.width), self.y_mean

    def fit(self, strength: float, tolerance: float = 0.0, start: "Ridge | None" = None) -> "Ridge":
        """Compute the weights in closed form, and return this model.

        ``strength`` is the inverse of the regularization strength. ``tolerance`` and ``start`` are ignored; they make
        the signature the same as that of :meth:`Logistic.fit`.
        """
        regularized = self.gram + np.eye(len(self.gram)) / strength
        self.weight = solve(regularized, self.moment[:, 0], assume_a="pos")
        self.intercept = self.y_mean - float(self.x_mean @ self.weight)
        return self

    def predict(self, rows: FeatureRows) -> Predictions:
        """Predict the numeric target of each row."""
        value = np.empty(len(rows))
        for block_rows, block in rows.blocks():
            value[block_rows] = block @ self.weight + self.intercept
        return Predictions(value)
