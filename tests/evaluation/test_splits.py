"""Test the splits into training and test rows."""

import numpy as np

from contramix.evaluation.splits import make_splits
from contramix.models.task import Task

CLASSES = Task("classification", "y", ("0", "1", "2"))


def test_splits_do_not_overlap_and_official_parts_are_kept():
    y = np.repeat([0, 1, 2], 40)
    for seed, train, test in make_splits(CLASSES, y, range(3), None):
        assert sorted([*train, *test]) == list(range(120))
        assert np.bincount(y[test]).tolist() == [8, 8, 8]
        assert seed in range(3)
    official = np.arange(100, 120)
    for part in make_splits(CLASSES, y, range(2), official):
        assert part.test.tolist() == official.tolist()
        assert part.train.tolist() == list(range(100))
