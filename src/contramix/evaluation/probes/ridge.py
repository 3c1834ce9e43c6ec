"""Ridge regression from sums over rows, which need not fit into memory."""

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from scipy.linalg import solve

from contramix.evaluation.probes.rows import FeatureRows
from contramix.evaluation.problem import Predictions
from contramix.models.task import Task


def products(
    rows: FeatureRows, target: Float[ndarray, " n C"]
) -> tuple[Float64[ndarray, " d d"], Float64[ndarray, " d C"]]:
    """The features' products with themselves and with the targets, summed over rows in double precision."""
    gram, moment = np.zeros((rows.width, rows.width)), np.zeros((rows.width, target.shape[1]))
    for part, block in rows.blocks():
        wide = block.astype(np.float64)
        gram += wide.T @ wide
        moment += wide.T @ target[part]
    return gram, moment


class Ridge:
    """L2-regularised least squares on standardised rows.

    It minimises the sum of squared errors plus ``|w|^2 / strength``; the intercept is free.

    Parameters
    ----------
    task, rows, y
        The task, what to fit on, and quantities.
    """

    def __init__(self, task: Task, rows: FeatureRows, y: Float[ndarray, " n"]) -> None:
        self.intercept = float(y.mean())
        self.gram, self.moment = products(rows, (y - self.intercept)[:, None])
        self.weight = np.zeros(rows.width)

    def fit(self, strength: float, tolerance: float = 0.0, start: "Ridge | None" = None) -> "Ridge":
        """Solve exactly, whatever the tolerance and the start."""
        regularised = self.gram + np.eye(len(self.gram)) / strength
        self.weight = solve(regularised, self.moment[:, 0], assume_a="pos")
        return self

    def predict(self, rows: FeatureRows) -> Predictions:
        """The quantities expected."""
        value = np.empty(len(rows))
        for part, block in rows.blocks():
            value[part] = block @ self.weight + self.intercept
        return Predictions(value)
