"""Define the targets of labeled rows, and split the rows into folds on which settings and weights are chosen."""

import warnings
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Shaped
from numpy import ndarray
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

from contramix.models.finetune_settings import FEW_ROWS
from contramix.models.finetuning import class_weights
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

    @classmethod
    def weighted(
        cls, task: Task, y: Shaped[ndarray, " n"], class_weight: Literal["balanced"] | Mapping[str, float] | None
    ) -> "Targets":
        """Create targets with a weight for each class, as :func:`contramix.models.finetuning.class_weights` takes it.

        Raises
        ------
        InputError
            If a weight is given for an unknown class.
        """
        weight = class_weights(y, task, class_weight)
        return cls(task, y, np.ones(len(y)) if weight is None else weight[y] / weight[y].mean())

    @property
    def class_shares(self) -> Float64[ndarray, " C"] | None:
        """Return the weighted share of each class; None for a numeric target."""
        if not self.task.classes:
            return None
        return np.asarray(np.bincount(self.y, self.weight, len(self.task.classes)) / self.weight.sum())

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


FOLDS = 5
"""Number of folds."""


class Fold(NamedTuple):
    """Store one fold: the number of its repeat, and which labeled rows it trains on and which it holds out.

    ``train`` and ``held`` are positions among the labeled rows.
    """

    repeat: int
    train: Int[ndarray, " a"]
    held: Int[ndarray, " b"]


def split_folds(task: Task, y: Shaped[ndarray, " n"], seed: int, repeats: int = 1) -> list[Fold]:
    """Split labeled rows into five folds, and as often again with another shuffle as there are further repeats.

    Each row is held out once in each repeat. Folds are stratified by class. Folds whose training rows have
    one class only are left out. The list is empty if there are fewer than five rows, or no class has five rows. With
    1,000 rows or more only the first fold is returned, because it is large enough.

    Parameters
    ----------
    task
        What is predicted: classes or a number.
    y
        Class numbers or numeric targets of the labeled rows.
    seed
        Seed of the random folds.
    repeats
        Number of times that the rows are split into five folds.
    """
    if len(y) < FOLDS or (task.classes and np.bincount(y.astype(int)).max() < FOLDS):
        return []
    kind = RepeatedStratifiedKFold if task.classes else RepeatedKFold
    splitter = kind(n_splits=FOLDS, n_repeats=repeats, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class with fewer rows than folds
        splits = list(splitter.split(np.zeros(len(y)), y))
    found = [
        Fold(number // FOLDS, train, held)
        for number, (train, held) in enumerate(splits)
        if not task.classes or len(np.unique(y[train])) > 1
    ]
    return found[:1] if len(y) >= FEW_ROWS else found
