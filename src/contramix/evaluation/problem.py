"""Define the input and output of probes and baselines. The input does not include the targets of test rows."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from contramix.models.task import Predictions, Task
from contramix.predictors.labeled_rows import split_folds

__all__ = ["PredictionProblem", "Predictions", "ValidationSplit"]


class ValidationSplit(NamedTuple):
    """Store labeled rows that are split into rows to train on and rows on which settings are chosen.

    Parameters
    ----------
    train, validation
        Row numbers, in the array of features, of the rows to train on and of the validation rows.
    train_y, validation_y
        Class numbers or numeric targets of the rows in ``train`` and in ``validation``.
    """

    train: ndarray
    train_y: ndarray
    validation: ndarray
    validation_y: ndarray


@dataclass(frozen=True)
class PredictionProblem:
    """Describe a prediction problem: labeled training rows, and test rows to predict.

    Parameters
    ----------
    task
        Classification with its classes, or regression.
    train, y
        Row numbers of the labeled training rows, and their class numbers or numeric targets in the same order.
    test
        Row numbers of the test rows.
    seed
        Seed for the random choices of a probe.
    split
        Number of the split into training and test rows.
    test_targets
        Targets of the test rows, for published protocols that choose settings on test rows. None (the default) means
        that settings are chosen on training rows only.
    training_rows
        Row numbers of all rows outside the test rows, labeled or not. Statistics of features, such as their means, are
        computed from these rows. None: the labeled training rows.
    encoder_seed
        Seed of the encoder. If there is one encoder for each seed, such as an untrained one, that with this seed is
        used.
    """

    task: Task
    train: ndarray
    y: ndarray
    test: ndarray
    seed: int = 0
    split: int = 0
    test_targets: ndarray | None = None
    training_rows: ndarray | None = None
    encoder_seed: int = 0

    @property
    def statistics_rows(self) -> ndarray:
        """Return the row numbers from which statistics of features are computed: all rows outside the test rows."""
        return self.train if self.training_rows is None else self.training_rows

    def validation_splits(self) -> list[ValidationSplit]:
        """Return the splits into training and validation rows on which a probe chooses its settings.

        By default these are five cross-validation folds of the training rows, but only the first fold if there are
        1,000 rows or more. Copies of a row, which a bootstrap resample holds, are in the same fold. With fewer than
        five rows, or no class of five rows, there are no folds: there is one split, whose validation rows are the
        training rows. If ``test_targets`` is set, there is one split, whose validation rows are the test rows.
        """
        if self.test_targets is not None:
            return [ValidationSplit(self.train, self.y, self.test, self.test_targets)]
        _, first, copies = np.unique(self.train, return_index=True, return_inverse=True)
        folds = split_folds(self.task, self.y[first], self.seed)
        if not folds:  # a handful of rows: choose on the rows that were trained on
            return [ValidationSplit(self.train, self.y, self.train, self.y)]
        in_fold = [(np.isin(copies, fold.train), np.isin(copies, fold.held)) for fold in folds]
        return [
            ValidationSplit(self.train[train], self.y[train], self.train[held], self.y[held]) for train, held in in_fold
        ]

    @property
    def choice_note(self) -> str:
        """Return ``" (picked on test rows)"`` if settings are chosen on test rows, else an empty string.

        Probes append it to ``Predictions.chosen``.
        """
        return "" if self.test_targets is None else " (picked on test rows)"
