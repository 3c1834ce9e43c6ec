"""What a probe is given, and what it gives back. Targets of test rows are not in it: they can choose nothing."""

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray
from sklearn.model_selection import KFold, StratifiedKFold

from contramix.models.task import Task

FOLDS = 5
FEW_ROWS = 1000
"""Below this many training rows choices are made by five folds; above, one fifth tells enough."""


class Predicted(NamedTuple):
    """Predictions for the test rows."""

    value: Shaped[ndarray, " m"]
    """Class numbers, or quantities."""
    score: Float[ndarray, " m C"] | None = None
    """For classes: the higher, the more likely; columns in the order of ``task.classes``."""
    chosen: str = ""
    """What was chosen, such as ``C = 10``."""


class Choice(NamedTuple):
    """Rows to fit on, and rows with their targets to choose by. Row numbers are those of the features."""

    fit: ndarray
    fit_y: ndarray
    judge: ndarray
    judge_y: ndarray


@dataclass(frozen=True)
class Problem:
    """Training rows with their targets, and test rows without.

    Parameters
    ----------
    task
        What is to be predicted.
    train, y
        Row numbers of the labelled training rows, and their targets, in the same order.
    test
        Row numbers of the test rows.
    seed
        Of what the probe draws.
    split
        The seed of the split, of pre-training and of untrained encoders, where there are several.
    peek
        Targets of the test rows, for protocols that choose by them, as published ones do; None, the default: choices
        are made on training rows.
    """

    task: Task
    train: ndarray
    y: ndarray
    test: ndarray
    seed: int = 0
    split: int = 0
    peek: ndarray | None = None

    def choices(self) -> list[Choice]:
        """Parts to choose settings by: folds of the training rows, one of them where rows are many; or the test rows
        where they may be peeked at."""
        if self.peek is not None:
            return [Choice(self.train, self.y, self.test, self.peek)]
        rows = np.arange(len(self.y))
        whole = [Choice(self.train, self.y, self.train, self.y)]  # a handful of rows: choose on what was fitted
        if self.task.kind == "regression":
            folds: Any = KFold(FOLDS, shuffle=True, random_state=self.seed)
            if len(rows) < FOLDS:
                return whole
        else:
            folds = StratifiedKFold(FOLDS, shuffle=True, random_state=self.seed)
            if len(rows) < FOLDS or np.bincount(self.y).max() < FOLDS:
                return whole
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a class with fewer rows than folds
            parts = [(fit, held) for fit, held in folds.split(rows, self.y) if len(np.unique(self.y[fit])) > 1]
        if len(rows) >= FEW_ROWS:
            parts = parts[:1]
        return [Choice(self.train[fit], self.y[fit], self.train[held], self.y[held]) for fit, held in parts]

    @property
    def picked(self) -> str:
        """How choices were made, in words for a label; empty for the default."""
        return "" if self.peek is None else " (picked on test rows)"
