"""Split labeled rows into folds, on which settings and weights are chosen."""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped
from numpy import ndarray
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold

from contramix.models.finetune_settings import FEW_ROWS
from contramix.models.task import Task

FOLDS, REPEATS = 5, 2
"""Number of folds, and how often the rows are split anew."""


class Fold(NamedTuple):
    """Store one fold: the number of its repeat, and which labeled rows it trains on and which it holds out.

    ``train`` and ``held`` are positions among the labeled rows.
    """

    repeat: int
    train: Int[ndarray, " a"]
    held: Int[ndarray, " b"]


def split_folds(task: Task, y: Shaped[ndarray, " n"], seed: int) -> list[Fold]:
    """Split labeled rows into five folds, and again with another shuffle, which gives at most ten folds.

    Each row is held out once in each of the two repeats. Folds are stratified by class. Folds whose training rows have
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
    """
    if len(y) < FOLDS or (task.classes and np.bincount(y.astype(int)).max() < FOLDS):
        return []
    kind = RepeatedStratifiedKFold if task.classes else RepeatedKFold
    splitter = kind(n_splits=FOLDS, n_repeats=REPEATS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class with fewer rows than folds
        splits = list(splitter.split(np.zeros(len(y)), y))
    found = [
        Fold(number // FOLDS, train, held)
        for number, (train, held) in enumerate(splits)
        if not task.classes or len(np.unique(y[train])) > 1
    ]
    return found[:1] if len(y) >= FEW_ROWS else found
