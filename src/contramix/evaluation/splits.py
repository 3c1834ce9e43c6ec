"""Split records into training and test rows, and describe the measurements that are made with them."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy import ndarray
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold, train_test_split

from contramix.errors import InputError
from contramix.models.task import Task

TEST_SHARE = 0.2
"""Share of the rows that are held out as test rows if the data has no official test split."""
FOLDS, REPEATS = 5, 4
"""Number of cross-validation folds if few rows are labeled, and how often the rows are divided into folds anew."""


class Split(NamedTuple):
    """Store the row numbers of the labeled training rows and of the test rows.

    Parameters
    ----------
    seed
        Seed of the encoder that is used with this split: of its pre-training, or of its initial weights.
    train, test
        Row numbers of the labeled training rows and of the test rows.
    number
        Number of the split, starting from 0.
    cross_validation
        Whether the split is one of several cross-validation folds, so that its training rows overlap with those of the
        other splits and include the test rows of others.
    """

    seed: int
    train: ndarray
    test: ndarray
    number: int = 0
    cross_validation: bool = False


class Repetition(NamedTuple):
    """Describe one of several repeated measurements of a score.

    Parameters
    ----------
    seed
        Seed of the encoder: of its pre-training, or of its initial weights.
    split
        Number of the split into training and test rows.
    draw
        Number of the random draw of labeled rows. 0 if all labeled training rows of the split are used.
    labeled
        Row numbers of the labeled rows that were trained on. A bootstrap resample holds some of them several times.
    resampled
        Whether the labeled rows are a bootstrap resample.
    overlap
        Number of test rows divided by the number of labeled training rows if the split is one of several
        cross-validation folds, whose training rows overlap; otherwise 0.
    """

    seed: int
    split: int
    draw: int
    labeled: ndarray
    resampled: bool = False
    overlap: float = 0.0


def make_splits(
    task: Task, y: ndarray, seeds: Sequence[int], official_test: ndarray | None, labeled: ndarray | None = None
) -> list[Split]:
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
    labeled
        Row numbers of the records with a known target, outside the official test split. None: all records.

    Raises
    ------
    InputError
        If there are too few rows to split, a training split has only one class, or a test split has fewer than two rows
        or a constant numeric target.
    """
    rows = np.arange(len(y)) if labeled is None else labeled
    if official_test is not None:
        rows = np.setdiff1d(rows, official_test)
        splits = [Split(seed, rows, official_test, number) for number, seed in enumerate(seeds)]
        _check_split(task, y, splits[0])
        return splits
    _check_size(rows)
    stratify = None
    if task.kind == "classification":
        counts = np.bincount(y[rows], minlength=len(task.classes))
        stratify = y[rows] if counts.min() >= 2 and round(TEST_SHARE * len(rows)) >= len(counts) else None
    splits = []
    for number, seed in enumerate(seeds):
        train, test = train_test_split(rows, test_size=TEST_SHARE, random_state=seed, stratify=stratify)
        splits.append(Split(seed, np.sort(train), np.sort(test), number))
        _check_split(task, y, splits[-1])
    return splits


def make_folds(task: Task, y: ndarray, labeled: ndarray, seeds: Sequence[int], repeats: int = REPEATS) -> list[Split]:
    """Return the splits of a cross-validation with five folds that is repeated.

    In each repeat, every labeled row is a test row of one split. Classes are spread evenly over the folds.

    Parameters
    ----------
    task, y
        Task (classification or regression), and the encoded targets of all records.
    labeled
        Row numbers of the records with a known target.
    seeds
        Seeds of encoders. All folds of repeat number n use seed number n; after the last seed, the first one follows
        again.
    repeats
        How often the rows are split into five folds anew.

    Raises
    ------
    InputError
        If there are fewer than ten labeled rows, or a split cannot be learned or scored.
    """
    _check_size(labeled)
    stratified = task.kind == "classification" and np.bincount(y[labeled]).max() >= FOLDS
    splitter = (RepeatedStratifiedKFold if stratified else RepeatedKFold)(
        n_splits=FOLDS, n_repeats=repeats, random_state=0
    )
    splits = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class with fewer rows than folds
        for number, (train, test) in enumerate(splitter.split(labeled, y[labeled])):
            seed = seeds[number // FOLDS % len(seeds)]
            splits.append(Split(seed, labeled[train], labeled[test], number, cross_validation=True))
            _check_split(task, y, splits[-1])
    return splits


def _check_size(rows: ndarray) -> None:
    if len(rows) < 10:
        raise InputError(f"{len(rows)} rows are too few to hold some out for a test; give at least 10, or `test` rows")


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
