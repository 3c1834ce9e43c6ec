"""Test the protocol and the plan that it makes for given data."""

import numpy as np
import pytest
import torch

from contramix.errors import InputError
from contramix.evaluation.protocol import Protocol
from contramix.models.labeled_records import LabeledRecords
from contramix.models.task import Task

CLASSES = Task("classification", "y", ("no", "yes"))
NUMERIC = Task("regression", "y")


def records(task, y, official=None):
    return LabeledRecords(task, None, torch.zeros(len(y), 2), np.asarray(y), official)


@pytest.mark.parametrize(("probe", "reference"), [("linear", "raw"), ("knn", "raw"), ("finetune", "supervised")])
def test_the_first_probe_decides_which_baseline_is_always_there(probe, reference):
    assert Protocol(probes=(probe, "linear"), baselines=()).reference == reference


def test_the_plan_has_a_split_for_each_seed_and_the_default_metric():
    plan = Protocol(labels_per_class=(3,), seeds=4).plan(records(CLASSES, [0, 1] * 30))
    assert [split.seed for split in plan.splits] == [0, 1, 2, 3]
    assert plan.labels_per_class == (3,)
    assert plan.metric == "accuracy"
    assert len(plan.notes) == 1
    assert "a fifth of the rows is held out" in plan.notes[0]


def test_an_official_test_split_is_used_as_it_is():
    official = np.arange(50, 60)
    plan = Protocol(labels_per_class=(), seeds=2).plan(records(CLASSES, [0, 1] * 30, official))
    assert all(split.test.tolist() == official.tolist() for split in plan.splits)
    assert plan.notes == ()


def test_classes_with_fewer_rows_than_labels_are_noted():
    plan = Protocol(labels_per_class=(5, 20), seeds=1).plan(records(CLASSES, [0] * 90 + [1] * 10))
    assert plan.notes[-1].startswith("20 labels per class are asked for; the classes 'yes' have fewer training rows")


def test_a_numeric_target_has_no_labels_per_class():
    plan = Protocol(labels_per_class=(5,), seeds=1).plan(records(NUMERIC, np.arange(40.0)))
    assert plan.labels_per_class == ()
    assert plan.metric == "r2"
    assert "all labels are used" in plan.notes[-1]


def test_a_metric_of_another_task_is_refused():
    with pytest.raises(InputError, match="auroc"):
        Protocol(metric="auroc").plan(records(NUMERIC, np.arange(40.0)))
