"""Test labeled records, and drawing labels."""

import numpy as np
import pyarrow as pa
import pytest

from contramix.errors import InputError
from contramix.models.labeled_records import LabelBudget, draw_labels, prepare_labeled_records, resample_labels
from contramix.models.pretraining import learn_spec
from contramix.models.task import Task
from contramix.recipe import Recipe


def test_labels_drawn_are_k_a_class_from_training_rows_only():
    y = np.repeat([0, 1, 2], [50, 50, 3])
    rows = np.arange(0, 103, 1)[y >= 0][5:]
    used = draw_labels(y, rows, LabelBudget(10), seed=1)
    assert np.bincount(y[used]).tolist() == [10, 10, 3]
    assert set(used) <= set(rows)
    assert not np.array_equal(used, draw_labels(y, rows, LabelBudget(10), seed=2))


def test_a_number_of_labels_in_all_is_drawn_for_a_numeric_target():
    y, rows = np.linspace(0, 1, 100), np.arange(50, 100)
    budget = LabelBudget(10, per_class=False)
    used = draw_labels(y, rows, budget, seed=1)
    assert len(np.unique(used)) == 10
    assert used.min() >= 50
    assert not np.array_equal(used, draw_labels(y, rows, budget, seed=2))
    assert draw_labels(y, rows, budget._replace(number=80), seed=1).tolist() == rows.tolist()


def test_resamples_keep_the_size_of_each_class():
    y = np.repeat([0, 1], [50, 3])
    used = resample_labels(Task("classification", "y", ("a", "b")), y, np.arange(53), seed=1)
    assert np.bincount(y[used]).tolist() == [50, 3]
    assert len(np.unique(used)) < 53
    numbers = resample_labels(Task("regression", "y"), np.arange(53.0), np.arange(10, 53), seed=1)
    assert len(numbers) == 43
    assert numbers.min() >= 10


def test_rows_without_a_target_are_samples_without_a_label():
    table = pa.table({"a": [1.0, 2.0, 3.0, 4.0, 5.0], "y": ["u", None, "v", "u", "v"]})
    spec, _ = learn_spec(table, Recipe.load("npair"), "y")
    records = prepare_labeled_records(spec, table, "y", test=table.slice(2, 2), kind="classification")
    assert len(records.x) == 7
    assert records.labeled_training.tolist() == [0, 2, 3, 4]
    assert records.y.tolist() == [0, -1, 1, 0, 1, 1, 0]
    assert len(records.training) == 5
    with pytest.raises(InputError, match="missing in all rows"):
        prepare_labeled_records(spec, table.slice(1, 1), "y")
