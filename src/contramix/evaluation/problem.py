"""Define the input and the output of probes and baselines. The input has no targets of test rows."""

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray
from sklearn.model_selection import KFold, StratifiedKFold

from contramix.models.task import Task

FOLDS = 5
"""Number of cross-validation folds on which settings are chosen."""
FEW_ROWS = 1000
"""Number of training rows from which one of the five folds is enough to choose settings."""


class Predictions(NamedTuple):
    """Hold the predictions for ``m`` test rows."""

    value: Shaped[ndarray, " m"]
    """Predicted class numbers, or predicted values of a numeric target."""
    score: Float[ndarray, " m C"] | None = None
    """Score of each class, higher for more likely; columns in the order of ``task.classes``. None for a numeric target
    or where the predictor has no scores."""
    chosen: str = ""
    """Chosen setting as text, such as ``C = 10``; empty where nothing was chosen."""


class ValidationSplit(NamedTuple):
    """Hold rows to train on and rows to choose settings by, as row numbers of the features, with their targets."""

    train: ndarray
    train_y: ndarray
    validation: ndarray
    validation_y: ndarray


@dataclass(frozen=True)
class PredictionProblem:
    """Hold labeled training rows, and test rows to predict.

    Parameters
    ----------
    task
        Classification or regression, with the classes.
    train, y
        Row numbers of the labeled training rows, and their targets in the same order.
    test
        Row numbers of the test rows.
    seed
        Seed of what a probe draws at random.
    split
        Seed of the split of the rows; pre-trained and untrained encoders have one seed for each split.
    test_targets
        Targets of the test rows, for published protocols that choose settings by test rows. None (the default) means
        that settings are chosen on training rows.
    """

    task: Task
    train: ndarray
    y: ndarray
    test: ndarray
    seed: int = 0
    split: int = 0
    test_targets: ndarray | None = None

    def validation_splits(self) -> list[ValidationSplit]:
        """Return the splits on which a probe chooses its settings.

        They are five folds of the training rows, the first of the five from 1,000 rows on, or the test rows if
        ``test_targets`` is given. With too few rows for folds, the training rows are also the validation rows.
        """
        if self.test_targets is not None:
            return [ValidationSplit(self.train, self.y, self.test, self.test_targets)]
        rows = np.arange(len(self.y))
        # With a handful of rows, choose on the rows that were trained on.
        all_rows = [ValidationSplit(self.train, self.y, self.train, self.y)]
        if self.task.kind == "regression":
            folds: Any = KFold(FOLDS, shuffle=True, random_state=self.seed)
            if len(rows) < FOLDS:
                return all_rows
        else:
            folds = StratifiedKFold(FOLDS, shuffle=True, random_state=self.seed)
            if len(rows) < FOLDS or np.bincount(self.y).max() < FOLDS:
                return all_rows
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a class with fewer rows than folds
            splits = [(train, held) for train, held in folds.split(rows, self.y) if len(np.unique(self.y[train])) > 1]
        if len(rows) >= FEW_ROWS:
            splits = splits[:1]
        return [
            ValidationSplit(self.train[train], self.y[train], self.train[held], self.y[held]) for train, held in splits
        ]

    @property
    def choice_note(self) -> str:
        """Return a suffix for ``Predictions.chosen`` that marks a choice on test rows; empty by default."""
        return "" if self.test_targets is None else " (picked on test rows)"
