"""DACL's protocol on graphs: ten folds, and the mean over the last epochs of pre-training and over repeats of it."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int
from numpy import ndarray
from sklearn.model_selection import StratifiedKFold

from contramix.errors import InputError
from contramix.evaluation.probes import Probe
from contramix.evaluation.probes.adam import adam
from contramix.evaluation.problem import Problem
from contramix.evaluation.task import Task


class CrossValidated(NamedTuple):
    """Accuracies of every run, epoch and fold, and how they are reported."""

    each: Float64[ndarray, " runs epochs folds"]

    @property
    def of_runs(self) -> Float64[ndarray, " runs"]:
        """The mean over epochs and folds of each run."""
        return np.asarray(self.each.mean((1, 2)))

    @property
    def mean(self) -> float:
        """Over runs."""
        return float(self.of_runs.mean())

    @property
    def spread(self) -> float | None:
        """The standard deviation over runs; None for one run."""
        return float(self.of_runs.std(ddof=1)) if len(self.each) > 1 else None


def cross_validated(
    task: Task,
    runs: Sequence[Sequence[Float32[ndarray, " n d"]]],
    y: Int[ndarray, " n"],
    *,
    folds: int = 10,
    seed: int = 0,
    probe: Probe = adam,
    pick_on_test: bool = False,
) -> CrossValidated:
    """Score features by stratified folds, each of which is the test part once.

    Parameters
    ----------
    task, y
        Classes, and class numbers.
    runs
        Features of all records: for each run of pre-training (as published, five), those of its last epochs (five).
    folds
        How many; a run's folds are the same for all its epochs, another run's are drawn anew.
    probe
        As published, a hundred steps of Adam.
    pick_on_test
        Let the probe choose by the rows it is scored on, as some published code does.

    Raises
    ------
    InputError
        If every class has fewer records than there are folds.

    Examples
    --------
    >>> z = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0)
    >>> task = Task("classification", "kind", ("a", "b"))
    >>> cross_validated(task, [[z], [z]], np.repeat([0, 1], 20)).mean
    1.0
    """
    if np.bincount(y).max() < folds:
        raise InputError(f"target {task.target!r}: {folds} folds need a class of at least {folds} records")
    each = []
    for number, epochs in enumerate(runs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a class with fewer records than folds
            parts = list(StratifiedKFold(folds, shuffle=True, random_state=seed + number).split(y, y))
        each.append(
            [
                [_accuracy(task, z, y, train, test, seed + number, probe, pick_on_test) for train, test in parts]
                for z in epochs
            ]
        )
    return CrossValidated(np.array(each))


def _accuracy(
    task: Task, z: ndarray, y: ndarray, train: ndarray, test: ndarray, seed: int, probe: Probe, pick_on_test: bool
) -> float:
    problem = Problem(task, train, y[train], test, seed, peek=y[test] if pick_on_test else None)
    return float(task.contributions(y[test], probe(problem, z).value).mean())
