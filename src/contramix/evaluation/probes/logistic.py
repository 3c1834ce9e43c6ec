"""Logistic regression as scikit-learn defines it, on rows that need not fit into memory."""

from functools import cache

import numpy as np
from jaxtyping import Float32, Float64, Int
from numpy import ndarray
from scipy.optimize import minimize
from threadpoolctl import ThreadpoolController

from contramix.evaluation.probes.rows import FeatureRows
from contramix.evaluation.problem import Predictions
from contramix.models.task import Task

ITERATIONS = 300
"""At most."""


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()  # to look for the libraries takes longer than a small fit


class Logistic:
    """L2-regularised softmax regression by L-BFGS; of two classes, one logit.

    It minimises the mean cross-entropy plus ``|W|^2 / (2 n strength)``; intercepts are free.

    Parameters
    ----------
    task, rows, y
        The classes, what to fit on, and class numbers.
    """

    def __init__(self, task: Task, rows: FeatureRows, y: Int[ndarray, " n"]) -> None:
        self.task, self.rows = task, rows
        self.classes, self.place = np.unique(y, return_inverse=True)
        logits = len(self.classes) if len(self.classes) != 2 else 1
        self.weight = np.zeros((logits, rows.width + 1))  # the last column: intercepts

    def fit(self, strength: float, tolerance: float, start: "Logistic | None" = None) -> "Logistic":
        """Fit, from another's weights or where the last fit ended: the optimum is the same, and much nearer.

        Parameters
        ----------
        strength
            The inverse of the regularisation, scikit-learn's C.
        tolerance
            The largest element of the gradient at the end.
        """
        if start is not None and np.array_equal(start.classes, self.classes):
            self.weight = start.weight

        def loss(flat: Float64[ndarray, " p"]) -> tuple[float, Float64[ndarray, " p"]]:
            weight = flat.reshape(self.weight.shape)
            decay = weight / (strength * len(self.rows))
            decay[:, -1] = 0
            total, slope = 0.0, np.zeros_like(weight)
            for part, block in self.rows.blocks():
                place, column = self.place[part], np.arange(len(block))
                logits = self._logits(weight, block)
                total -= logits[place, column].sum(dtype=np.float64)
                share = np.exp(logits)
                share[place, column] -= 1
                share = share[-len(weight) :]
                slope[:, :-1] += share @ block
                slope[:, -1] += share.sum(1, dtype=np.float64)
            total = total / len(self.rows) + 0.5 * float((decay * weight).sum())
            return total, (slope / len(self.rows) + decay).ravel()

        # Products as narrow as these gain nothing from a second BLAS thread, and wait for it long if a core is taken.
        with _threads().limit(limits=1, user_api="blas"):
            found = minimize(
                loss,
                self.weight.ravel(),
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": ITERATIONS, "maxls": 50, "gtol": tolerance, "ftol": 64 * np.finfo(float).eps},
            )
        self.weight = found.x.reshape(self.weight.shape)
        return self

    def _logits(self, weight: Float64[ndarray, " k _"], block: Float32[ndarray, " b d"]) -> Float32[ndarray, " C b"]:
        """The logarithms of the classes' shares."""
        logits = weight[:, :-1].astype(np.float32) @ block.T + weight[:, -1:].astype(np.float32)
        if len(self.classes) == 2:
            logits = np.concatenate([np.zeros_like(logits), logits])
        logits -= logits.max(0)
        return np.asarray(logits - np.log(np.exp(logits).sum(0)))

    def predict(self, rows: FeatureRows) -> Predictions:
        """Shares of the classes; those that were not among the training rows get none."""
        score = np.zeros((len(rows), len(self.task.classes)))
        for part, block in rows.blocks():
            score[part, self.classes] = np.exp(self._logits(self.weight, block)).T
        return Predictions(self.classes[score[:, self.classes].argmax(1)], score)
