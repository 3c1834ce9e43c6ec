"""Test the protocol and the plan that it makes for given data."""

import numpy as np
import pytest
import torch

from contramix.errors import InputError
from contramix.evaluation.protocol import Protocol
from contramix.models.labeled_records import LabelBudget, LabeledRecords
from contramix.models.task import Task

CLASSES = Task("classification", "y", ("no", "yes"))
NUMERIC = Task("regression", "y")


def records(task, y, official=None):
    return LabeledRecords(task, None, torch.zeros(len(y), 2), np.asarray(y), official)


@pytest.mark.parametrize(("probe", "reference"), [("linear", "raw"), ("knn", "raw"), ("finetune", "supervised")])
def test_the_first_probe_decides_which_baseline_is_always_there(probe, reference):
    assert Protocol(probes=(probe, "linear"), baselines=()).reference == reference


def test_the_plan_has_a_split_for_each_seed_and_the_default_metric():
    plan = Protocol(labels_per_class=(3,), seeds=4).plan(records(CLASSES, [0, 1] * 500))
    assert [split.seed for split in plan.splits] == [0, 1, 2, 3]
    assert plan.budgets == (LabelBudget(3),)
    assert plan.metric == "auroc"
    assert plan.resamples == 0
    assert len(plan.notes) == 1
    assert "a fifth of the rows is held out" in plan.notes[0]
    three = Task("classification", "y", ("a", "b", "c"))
    assert Protocol().plan(records(three, [0, 1, 2] * 40)).metric == "balanced_accuracy"


@pytest.mark.parametrize("task", [CLASSES, NUMERIC])
def test_few_labeled_rows_are_tested_in_folds(task):
    y = np.arange(60) % 2 if task.classes else np.arange(60.0)
    plan = Protocol(labels_per_class=(5,), seeds=2).plan(records(task, y))
    assert len(plan.splits) == 20
    assert {split.seed for split in plan.splits} == {0, 1}
    assert plan.resamples == 0
    assert "60 rows are labeled" in plan.notes[0]
    as_with_more_rows = Protocol(labels_per_class=(), seeds=2, repeat_few=False).plan(records(task, y))
    assert len(as_with_more_rows.splits) == 2


def test_an_official_test_split_is_used_as_it_is():
    official = np.arange(1000, 1100)
    plan = Protocol(labels_per_class=(), seeds=2).plan(records(CLASSES, [0, 1] * 550, official))
    assert all(split.test.tolist() == official.tolist() for split in plan.splits)
    assert plan.notes == ()
    assert plan.resamples == 0


def test_fixed_labels_are_resampled():
    plan = Protocol(labels_per_class=(), draws=7).plan(records(CLASSES, [0, 1] * 30, np.arange(50, 60)))
    assert len(plan.splits) == 1
    assert plan.resamples == 7
    assert "50 labeled rows are fixed" in plan.notes[0]
    asked = Protocol(labels_per_class=(), draws=7, repeat_few=False)
    assert asked.plan(records(CLASSES, [0, 1] * 30, np.arange(50, 60))).resamples == 0


def test_rows_without_a_target_are_in_no_split():
    y = np.concatenate([np.full(1500, -1), [0, 1] * 600])
    labeled = np.arange(1500, 2700)
    without_target = records(CLASSES, y)._replace(labeled=labeled)
    plan = Protocol(labels_per_class=(5,)).plan(without_target)
    assert "1,500 of 2,700 rows have no 'y'" in plan.notes[0]
    assert sorted([*plan.splits[0].train, *plan.splits[0].test]) == labeled.tolist()
    official = np.arange(2600, 2700)
    mostly_missing = without_target._replace(labeled=labeled[:1100], official_test=official)
    assert Protocol(labels_per_class=()).plan(mostly_missing).resamples == 20


def test_classes_with_fewer_rows_than_labels_are_noted():
    plan = Protocol(labels_per_class=(5, 20)).plan(records(CLASSES, [0] * 990 + [1] * 10))
    assert plan.notes[-1].startswith("20 labels per class are asked for; the classes 'yes' have fewer training rows")
    in_folds = Protocol(labels_per_class=(5, 20)).plan(records(CLASSES, [0] * 90 + [1] * 10))
    assert in_folds.budgets == (LabelBudget(5),)
    assert in_folds.notes[-1].startswith("20 labels per class are skipped: the training rows of a fold have only 8")


def test_a_numeric_target_has_labels_in_all():
    y = np.arange(2000.0)
    assert Protocol().plan(records(NUMERIC, y)).budgets == (LabelBudget(40, per_class=False),)
    plan = Protocol(labels_per_class=(5,), labels=(40, 200, 1900)).plan(records(NUMERIC, y))
    assert plan.metric == "r2"
    assert plan.budgets == (LabelBudget(40, per_class=False), LabelBudget(200, per_class=False))
    assert "this target is numeric, so use `labels`" in plan.notes[1]
    assert plan.notes[-1] == "1,900 labels are skipped: the training part has only 1600 rows"
    in_folds = Protocol(labels=(30, 40)).plan(records(NUMERIC, np.arange(50.0)))
    assert in_folds.budgets == (LabelBudget(30, per_class=False), LabelBudget(40, per_class=False))
    assert Protocol(labels=(41,)).plan(records(NUMERIC, np.arange(50.0))).budgets == ()


def test_a_target_of_classes_has_no_labels_in_all():
    plan = Protocol(labels=(40,)).plan(records(CLASSES, [0, 1] * 100))
    assert plan.budgets == (LabelBudget(20),)
    assert any("`labels` is for numeric targets" in note for note in plan.notes)


def test_a_metric_of_another_task_is_refused():
    with pytest.raises(InputError, match="auroc"):
        Protocol(metric="auroc").plan(records(NUMERIC, np.arange(40.0)))
