"""Test the splits into training and test rows."""

import numpy as np

from contramix.evaluation.splits import make_folds, make_splits
from contramix.models.task import Task

CLASSES = Task("classification", "y", ("0", "1", "2"))


def test_splits_do_not_overlap_and_official_parts_are_kept():
    y = np.repeat([0, 1, 2], 40)
    for seed, train, test, *_ in make_splits(CLASSES, y, range(3), None):
        assert sorted([*train, *test]) == list(range(120))
        assert np.bincount(y[test]).tolist() == [8, 8, 8]
        assert seed in range(3)
    official = np.arange(100, 120)
    for part in make_splits(CLASSES, y, range(2), official):
        assert part.test.tolist() == official.tolist()
        assert part.train.tolist() == list(range(100))


def test_each_labeled_row_is_tested_once_in_each_repeat_of_the_folds():
    y = np.repeat([-1, 0, 1, 2], [30, 40, 20, 10])
    labeled = np.arange(30, 100)
    folds = make_folds(CLASSES, y, labeled, [0, 1])
    assert len(folds) == 20
    for repeat in range(4):
        part = folds[5 * repeat : 5 * repeat + 5]
        assert np.sort(np.concatenate([fold.test for fold in part])).tolist() == labeled.tolist()
        assert {fold.seed for fold in part} == {repeat % 2}
    for fold in folds:
        assert sorted([*fold.train, *fold.test]) == labeled.tolist()
        assert np.bincount(y[fold.test]).tolist() == [8, 4, 2]
        assert fold.cross_validation
    assert not np.array_equal(folds[0].test, folds[5].test)
    numbers = make_folds(Task("regression", "y"), np.arange(100.0), labeled, [0])
    assert sorted(np.concatenate([fold.test for fold in numbers[:5]])) == labeled.tolist()
