"""Measure predictions of held-out rows by the log loss of classes, or the squared error of a numeric target."""

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from contramix.models.task import Task

RARE = 1e-5
"""Smallest probability that the log loss counts, so that one surprising row does not decide alone."""


def mean_loss(task: Task, held_out: Float[ndarray, " repeats n k"], y: Shaped[ndarray, " n"]) -> float:
    """Return the mean log loss of classes, or the mean squared error of a numeric target.

    Parameters
    ----------
    task
        What is predicted: classes or a number.
    held_out
        Predictions for each row in each repeat of the cross-validation, of shape (repeats, rows, classes or 1): class
        probabilities or numbers. Predictions that are NaN, where a fold was left out, are ignored.
    y
        Class numbers or numeric targets of the rows.
    """
    if not task.classes:
        return float(np.nanmean((held_out[..., 0] - y) ** 2))
    return float(-np.nanmean(np.log(np.maximum(held_out[:, np.arange(len(y)), y], RARE))))
