"""Split records into training and test rows."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy import ndarray
from sklearn.model_selection import train_test_split

from contramix.errors import InputError
from contramix.models.task import Task

TEST_SHARE = 0.2
"""Share of the rows that are held out as test rows if the data has no official test split."""


class Split(NamedTuple):
    """Store the row numbers of the training rows and of the test rows for one seed."""

    seed: int
    train: ndarray
    test: ndarray


def make_splits(task: Task, y: ndarray, seeds: Sequence[int], official_test: ndarray | None) -> list[Split]:
    """Return one split into training and test rows for each seed.

    Parameters
    ----------
    task, y
        Task (classification or regression), and the encoded targets of all records.
    seeds
        Seeds of the splits.
    official_test
        Row numbers of an official test split, which is then used for every seed. If None, a random fifth of the rows is
        held out for each seed. It is stratified by class unless a class has only one row or there are more classes than
        test rows.

    Raises
    ------
    InputError
        If there are too few rows to split, a training split has only one class, or a test split has fewer than two rows
        or a constant numeric target.
    """
    rows = np.arange(len(y))
    if official_test is not None:
        splits = [Split(seed, np.setdiff1d(rows, official_test), official_test) for seed in seeds]
        _check_split(task, y, splits[0])
        return splits
    if len(y) < 10:
        raise InputError(f"{len(y)} rows are too few to hold some out for a test; give at least 10, or `test` rows")
    stratify = None
    if task.kind == "classification":
        counts = np.bincount(y)
        stratify = y if counts.min() >= 2 and round(TEST_SHARE * len(y)) >= len(counts) else None
    splits = []
    for seed in seeds:
        train, test = train_test_split(rows, test_size=TEST_SHARE, random_state=seed, stratify=stratify)
        splits.append(Split(seed, np.sort(train), np.sort(test)))
        _check_split(task, y, splits[-1])
    return splits


def _check_split(task: Task, y: ndarray, split: Split) -> None:
    """Raise an ``InputError`` if a split cannot be learned or scored.

    That is the case if the training rows have only one class, there are fewer than two test rows, or a numeric target
    is constant in the test rows.
    """
    if len(split.test) < 2:
        raise InputError(f"the test split has {len(split.test)} row; give at least 2, so that a score has an interval")
    if task.kind == "regression" and np.ptp(y[split.test]) == 0:
        raise InputError(
            f"target {task.target!r} has one value only ({y[split.test][0]:g}) in the test split, so R squared is not "
            "defined; give more rows, or separate test rows (`test`) with different values"
        )
    if task.kind == "classification" and len(np.unique(y[split.train])) < 2:
        raise InputError(
            f"target {task.target!r} has one class only in the training split; give more rows of the rare classes, or "
            "separate test rows (`test`)"
        )
