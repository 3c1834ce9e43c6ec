"""Define the targets of labeled rows, with the weight of each row."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Shaped
from numpy import ndarray

from contramix.models.task import Task

RARE = 1e-5
"""Smallest probability that the log loss counts, so that one surprising row does not decide alone."""


class Targets(NamedTuple):
    """Store the targets of labeled rows.

    Parameters
    ----------
    task
        What is predicted: classes or a number.
    y
        Class numbers or numeric targets of the rows.
    weight
        Weight of each row in all losses. Their mean is 1.
    """

    task: Task
    y: Shaped[ndarray, " n"]
    weight: Float64[ndarray, " n"]

    def take(self, rows: Int[ndarray, " m"] | Bool[ndarray, " n"]) -> "Targets":
        """Return the targets of some of the rows."""
        return Targets(self.task, self.y[rows], self.weight[rows])

    def likelihoods(self, predicted: Float[ndarray, " *batch n C"]) -> Float[ndarray, " *batch n"]:
        """Return the probability of the true class of each row, but at least 1e-5, given class probabilities."""
        return np.asarray(np.maximum(predicted[..., np.arange(len(self.y)), self.y], RARE))

    def loss(self, held_out: Float[ndarray, " repeats n k"]) -> float:
        """Return the mean log loss of classes, or the mean squared error of a numeric target.

        Parameters
        ----------
        held_out
            Predictions of each row in each repeat of the folds: class probabilities, or one number. NaN where a fold
            was left out; such predictions are ignored.
        """
        each = -np.log(self.likelihoods(held_out)) if self.task.classes else (held_out[..., 0] - self.y) ** 2
        known = ~np.isnan(held_out[..., 0])
        return float((each * self.weight)[known].sum() / np.broadcast_to(self.weight, known.shape)[known].sum())
