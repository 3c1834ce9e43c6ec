"""Test that all candidates are scored on the same splits and labels, and that test targets only score."""

import numpy as np
import pytest

from contramix.evaluation.candidates import Candidate, probe_candidate, probe_candidates
from contramix.evaluation.probes import PROBES
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.evaluation.scoring import score_candidates
from contramix.evaluation.splits import make_folds, make_splits
from contramix.models.labeled_records import LabelBudget
from contramix.models.task import Task

CLASSES = Task("classification", "y", ("0", "1", "2"))


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 400)
    z = (rng.normal(size=(400, 6)) + 1.2 * np.eye(3, 6)[y]).astype(np.float32) * 7 + 100
    return z[:300], y[:300], z[300:], y[300:]


def test_every_row_sees_the_same_labels_and_rows(blobs):
    z = np.concatenate([blobs[0], blobs[2]])
    y = np.concatenate([blobs[1], blobs[3]])
    rows = [
        probe_candidate(name, "baseline", lambda problem: z, probe, PROBES[probe], probe == "linear")
        for name in ("one", "two")
        for probe in ("linear", "knn")
    ]
    parts = make_splits(CLASSES, y, range(2), None)
    scores = score_candidates(CLASSES, y, rows, parts, (LabelBudget(5),), metric="accuracy", few_label_draws=range(4))
    cells = {(s.name, s.probe, s.labels): s for s in scores}
    assert len(cells) == 6
    for (name, probe, labels), score in cells.items():
        other = cells["two" if name == "one" else "one", probe, labels]
        assert [c.tolist() for c in score.per_row_scores] == [c.tolist() for c in other.per_row_scores]
    assert len(cells["one", "linear", LabelBudget(5)].per_row_scores) == 4
    full = cells["one", "linear", None]
    assert full.mean == pytest.approx(full.per_seed.mean())
    assert full.std == pytest.approx(full.per_seed.std(ddof=1))


def test_permuted_test_labels_change_no_prediction():
    """Everything that a candidate does is the same, whatever the targets of test rows are."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 150)
    z = (rng.normal(size=(150, 4)) + np.eye(3, 4)[y]).astype(np.float32)
    parts = make_splits(CLASSES, y, range(2), np.arange(100, 150))
    wrong = y.copy()
    wrong[100:] = rng.permutation(wrong[100:])
    for probe in ("linear", "knn"):
        seen = []

        def spied(problem, probe=probe, seen=seen):
            seen.append(PROBES[probe](problem, z))
            return seen[-1]

        for targets in (y, wrong):
            row = probe_candidate("m", "pretrained", lambda problem: z, probe, lambda problem, z: spied(problem))
            score_candidates(CLASSES, targets, [row], parts, (LabelBudget(5),), metric="accuracy")
        half = len(seen) // 2
        for first, second in zip(seen[:half], seen[half:]):
            assert np.array_equal(first.value, second.value)
            assert first.chosen == second.chosen


def test_few_labels_are_scored_with_their_class_shares():
    """A model that always answers the largest class is right in 80 % of all rows, and in half of balanced ones."""
    y = np.repeat([0, 1], [160, 40])
    task = Task("classification", "y", ("0", "1"))

    def majority(problem):
        score = np.tile([0.7, 0.3], (len(problem.test), 1))
        return Predictions(score.argmax(1), score)

    candidate = Candidate("m", "baseline", "m", majority)
    with_all, with_few = score_candidates(
        task, y, [candidate], make_splits(task, y, range(2), None), (LabelBudget(5),), metric="accuracy"
    )
    assert (with_all.mean, with_few.mean) == pytest.approx((0.8, 0.5))
    assert [m["calibration_error"] for m in with_few.metrics] == pytest.approx([0.2] * 2)
    assert [m["log_loss"] for m in with_few.metrics] == pytest.approx([-np.log([0.7, 0.3]).mean()] * 2)


def test_each_repetition_is_described():
    y = np.repeat([0, 1], [60, 40])
    task = Task("classification", "y", ("0", "1"))
    candidate = Candidate("m", "baseline", "m", lambda problem: Predictions(np.zeros(len(problem.test), int)))
    splits = make_splits(task, y, range(2), np.arange(90, 100))
    with_all, with_few = score_candidates(
        task, y, [candidate], splits, (LabelBudget(5),), metric="accuracy", few_label_draws=range(3), resamples=range(4)
    )
    assert [(r.seed, r.split, r.draw) for r in with_few.repetitions] == [(0, 0, 0), (1, 1, 1), (0, 0, 2)]
    assert all(np.bincount(y[r.labeled]).tolist() == [5, 5] and not r.resampled for r in with_few.repetitions)
    assert [(r.seed, r.draw, r.resampled) for r in with_all.repetitions] == [(n % 2, n, True) for n in range(4)]
    for repetition in with_all.repetitions:
        assert np.bincount(y[repetition.labeled]).tolist() == [60, 30], "each class keeps its number of rows"
        assert 0.5 < len(np.unique(repetition.labeled)) / 90 < 0.8, "about 63 % of the rows are in a resample"
    folds = make_folds(task, y, np.arange(100), [0])
    (score,) = score_candidates(task, y, [candidate], folds, metric="accuracy")
    assert [r.overlap for r in score.repetitions] == [20 / 80] * 20


def test_one_candidate_for_each_probe_and_few_labels_but_for_neighbors():
    z = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)
    made = probe_candidates("name", "baseline", lambda problem: z, ("linear", "knn", "finetune"), 2.5)
    assert [(c.name, c.kind, c.probe, c.few_labels, c.seconds) for c in made] == [
        ("name", "baseline", "linear", True, 2.5),
        ("name", "baseline", "knn", False, 2.5),
    ]
    train, test, y = np.arange(0, 20, 2), np.arange(1, 20, 2), np.repeat([0, 1], 10)
    problem = PredictionProblem(Task("classification", "y", ("a", "b")), train, y[train], test)
    assert all((candidate.predict(problem).value == y[test]).all() for candidate in made)
