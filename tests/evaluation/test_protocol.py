"""The protocol against independent computations; and nothing it chooses may come from test rows."""

import numpy as np
import pyarrow as pa
import pytest

from contramix.errors import InputError
from contramix.evaluation import probes
from contramix.evaluation.candidates import probe_candidate
from contramix.evaluation.scoring import score_candidates
from contramix.evaluation.splits import make_splits
from contramix.models.labeled_records import draw_labels
from contramix.models.task import Task, find_task

CLASSES = Task("classification", "y", ("0", "1", "2"))
QUANTITY = Task("regression", "y")


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 400)
    z = (rng.normal(size=(400, 6)) + 1.2 * np.eye(3, 6)[y]).astype(np.float32) * 7 + 100
    return z[:300], y[:300], z[300:], y[300:]


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


def test_labels_drawn_are_k_a_class_from_training_rows_only():
    y = np.repeat([0, 1, 2], [50, 50, 3])
    rows = np.arange(0, 103, 1)[y >= 0][5:]
    used = draw_labels(y, rows, 10, seed=1)
    assert np.bincount(y[used]).tolist() == [10, 10, 3]
    assert set(used) <= set(rows)
    assert not np.array_equal(used, draw_labels(y, rows, 10, seed=2))


def test_every_row_sees_the_same_labels_and_rows(blobs):
    z = np.concatenate([blobs[0], blobs[2]])
    y = np.concatenate([blobs[1], blobs[3]])
    rows = [
        probe_candidate(name, "baseline", lambda problem: z, probe, probes.PROBES[probe], probe == "linear")
        for name in ("one", "two")
        for probe in ("linear", "knn")
    ]
    parts = make_splits(CLASSES, y, range(2), None)
    scores = score_candidates(CLASSES, y, rows, parts, (5,), metric="accuracy", few_label_draws=range(4))
    cells = {(s.name, s.probe, s.labels_per_class): s for s in scores}
    assert len(cells) == 6
    for (name, probe, labels), score in cells.items():
        other = cells["two" if name == "one" else "one", probe, labels]
        assert [c.tolist() for c in score.per_row_scores] == [c.tolist() for c in other.per_row_scores]
    assert len(cells["one", "linear", 5].per_row_scores) == 4
    full = cells["one", "linear", None]
    assert full.mean == pytest.approx(full.per_seed.mean())
    assert full.std == pytest.approx(full.per_seed.std(ddof=1))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b", "a", "b"], "classification"),
        ([True, False, True, True], "classification"),
        ([1, 2, 1, 2], "classification"),
        ([1.0, 2.0, 1.0, 2.0], "classification"),
        ([1.5, 2.0, 1.0, 2.0], "regression"),
        (list(range(200)), "regression"),
    ],
)
def test_task_is_found_from_the_values(values, kind):
    assert find_task("y", pa.array(values), "file").kind == kind


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["a", None, "b"], "missing in 1 of 3 rows .*row 2"),
        (["a", "a"], "one class only"),
        (["a", "b", "c"], "identifier"),
        ([1.5, float("inf"), 2.0], "row 2: infinite"),
        ([0.5, 0.5, 0.5], "one value only"),
    ],
)
def test_targets_that_cannot_be_predicted(values, told):
    with pytest.raises(InputError, match=told):
        find_task("y", pa.array(values, pa.large_string() if isinstance(values[0], str) else None), "file")


def test_class_that_only_test_rows_have():
    task = find_task("y", pa.array(["<=50K", ">50K"] * 4, pa.large_string()), "train")
    assert task.encode(pa.array([">50K", "<=50K"], pa.large_string()), "test").tolist() == [1, 0]
    with pytest.raises(InputError, match=r"'<=50K\.'.*did you mean '<=50K'"):
        task.encode(pa.array(["<=50K."], pa.large_string()), "test")
