"""Test drawing labels."""

import numpy as np

from contramix.models.labeled_records import draw_labels


def test_labels_drawn_are_k_a_class_from_training_rows_only():
    y = np.repeat([0, 1, 2], [50, 50, 3])
    rows = np.arange(0, 103, 1)[y >= 0][5:]
    used = draw_labels(y, rows, 10, seed=1)
    assert np.bincount(y[used]).tolist() == [10, 10, 3]
    assert set(used) <= set(rows)
    assert not np.array_equal(used, draw_labels(y, rows, 10, seed=2))
