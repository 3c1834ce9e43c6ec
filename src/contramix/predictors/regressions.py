"""Fit linear models to rows of features that need not fit into memory: logistic and ridge regression."""

from contextlib import nullcontext

import numpy as np
from jaxtyping import Float, Float32, Float64, Int
from numpy import ndarray
from scipy.linalg import solve
from scipy.optimize import minimize

from contramix.models.task import Predictions, Task
from contramix.predictors.feature_rows import BLOCK, FeatureRows
from contramix.runtime.threads import FEW_ROWS, one_thread

ITERATIONS = 300
"""Maximum number of iterations of L-BFGS."""


class Logistic:
    """Fit L2-regularized logistic regression by L-BFGS (softmax regression for more than two classes).

    It minimizes the mean cross-entropy plus ``|W|^2 / (2 n C)``, where ``n`` is the number of rows and ``C`` the
    strength that is given to :meth:`fit`. Intercepts are not regularized.

    Parameters
    ----------
    task
        Classification task. Its classes may include some without rows.
    rows, y
        Rows of features to fit on, and their class numbers.
    row_weight
        Weight of each row in the mean cross-entropy; None: equal weights.
    """

    def __init__(
        self,
        task: Task,
        rows: FeatureRows,
        y: Int[ndarray, " n"],
        row_weight: Float64[ndarray, " n"] | None = None,
    ) -> None:
        self.task, self.rows = task, rows
        self.row_weight = np.ones(len(rows)) if row_weight is None else row_weight / row_weight.mean()
        self.classes, self.label = np.unique(y, return_inverse=True)
        logits = len(self.classes) if len(self.classes) != 2 else 1
        self.weight = np.zeros((logits, rows.width + 1))  # the last column: intercepts
        # Weak regularization of few rows needs double precision to converge; many rows take half the time in single.
        self.precision = np.float64 if len(rows) <= BLOCK else np.float32

    def fit(self, strength: float, tolerance: float, start: "Logistic | None" = None) -> "Logistic":
        """Fit the weights, and return this model.

        The result does not depend on the initial weights, but good initial weights save iterations.

        Parameters
        ----------
        strength
            Inverse of the regularization strength, as ``C`` in scikit-learn.
        tolerance
            Largest absolute value of an element of the gradient at which the fit stops.
        start
            Fitted model from whose weights to start. If it is None or has other classes, the fit starts from the
            weights of this model's previous fit, or from zero.
        """
        if start is not None and np.array_equal(start.classes, self.classes):
            self.weight = start.weight

        def loss(flat: Float64[ndarray, " p"]) -> tuple[float, Float64[ndarray, " p"]]:
            weight = flat.reshape(self.weight.shape)
            decay = weight / (strength * len(self.rows))
            decay[:, -1] = 0
            total, slope = 0.0, np.zeros_like(weight)
            for block_rows, block in self.rows.blocks():
                label, column = self.label[block_rows], np.arange(len(block))
                logits = self._logits(weight, block)
                row_weight = self.row_weight[block_rows]
                total -= float(logits[label, column] @ row_weight)
                share = np.exp(logits)
                share[label, column] -= 1
                share = share[-len(weight) :] * row_weight.astype(share.dtype)
                slope[:, :-1] += share @ block
                slope[:, -1] += share.sum(1, dtype=np.float64)
            total = total / len(self.rows) + 0.5 * float((decay * weight).sum())
            return total, (slope / len(self.rows) + decay).ravel()

        # Such narrow products gain nothing from a second BLAS thread, and wait for it if a core is busy. With few rows
        # the caller sets the limit, because that takes longer than a fit.
        few = len(self.rows) <= FEW_ROWS
        with nullcontext() if few else one_thread("blas"):
            found = minimize(
                loss,
                self.weight.ravel(),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": ITERATIONS, "maxls": 50, "gtol": tolerance, "ftol": 64 * np.finfo(float).eps},
            )
        self.weight = found.x.reshape(self.weight.shape)
        return self

    def _logits(self, weight: Float64[ndarray, " k _"], block: Float32[ndarray, " b d"]) -> Float[ndarray, " C b"]:
        """Return the log-probabilities of the classes for a block of rows, of shape (classes, rows).

        ``weight`` has one row for each class (one row for two classes); its last column holds the intercepts.
        """
        weight, block = weight.astype(self.precision), block.astype(self.precision, copy=False)
        logits = weight[:, :-1] @ block.T + weight[:, -1:]
        if len(self.classes) == 2:
            logits = np.concatenate([np.zeros_like(logits), logits])
        logits -= logits.max(0)
        return np.asarray(logits - np.log(np.exp(logits).sum(0)))

    def predict(self, rows: FeatureRows) -> Predictions:
        """Predict the class and the class probabilities of each row.

        A class that has no training rows gets probability 0.
        """
        score = np.zeros((len(rows), len(self.task.classes)))
        for block_rows, block in rows.blocks():
            score[block_rows, self.classes] = np.exp(self._logits(self.weight, block)).T
        return Predictions(self.classes[score[:, self.classes].argmax(1)], score)


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
