"""Compare the scores of trials with scikit-learn and closed forms."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score, r2_score

from contramix.errors import InputError
from contramix.evaluation import probes
from contramix.tuning import scorers
from contramix.tuning.scorers import DRAWS, LabeledScorer, LabelFreeScorer, find_scorer

ROWS = 300


def table(y, **more):
    return pa.table({"y": y, "a": np.arange(len(y), dtype=float), **more})


@pytest.fixture
def classes():
    return np.random.default_rng(0).choice(3, ROWS, p=[0.6, 0.3, 0.1])


@pytest.fixture
def seen(monkeypatch):
    """Every problem that a probe was given, and what it predicted."""
    found, real = [], probes.PROBES["linear"]

    def spy(problem, z):
        predicted = real(problem, z)
        found.append((problem, predicted))
        return predicted

    monkeypatch.setitem(scorers.PROBES, "linear", spy)
    return found


def features_of(z):
    return lambda rows: z[rows].astype(np.float32)


def noisy(y, spread=1.0):
    return np.eye(3)[y] + spread * np.random.default_rng(1).normal(size=(len(y), 3))


def test_score_is_the_mean_balanced_accuracy_over_draws_of_labels(classes, seen):
    scorer = LabeledScorer(table(classes), "y", 10)
    split = scorer.split(0)
    rows = scorer(split, features_of(noisy(classes)))
    assert len(rows) == len(split.held) == ROWS // 5
    expected = [balanced_accuracy_score(classes[split.held], predicted.value) for _, predicted in seen]
    assert len(expected) == DRAWS
    assert rows.mean() == pytest.approx(np.mean(expected))
    assert 0.4 < rows.mean() < 0.9


def test_each_probe_learns_from_k_labels_a_class_of_the_training_part(classes, seen):
    scorer = LabeledScorer(table(classes), "y", 10)
    split, asked = scorer.split(0), []

    def features(rows):
        asked.append(rows)
        return noisy(classes)[rows].astype(np.float32)

    scorer(split, features)
    held, drawn = asked[0], asked[1:]
    assert held.tolist() == split.held.tolist()
    for used, (problem, _) in zip(drawn, seen, strict=True):
        assert set(used) <= set(split.train)
        assert not set(used) & set(split.held)
        assert np.bincount(classes[used]).tolist() == [10, 10, 10]
        assert problem.y.tolist() == classes[used].tolist()
        assert problem.test_targets is None
    assert len({tuple(used) for used in drawn}) == DRAWS, "labels must be drawn anew"


def test_targets_of_held_rows_change_no_prediction(classes, seen):
    z, scorer = noisy(classes), LabeledScorer(table(classes), "y", 10)
    split = scorer.split(0)
    score = scorer(split, features_of(z)).mean()
    predictions = [predicted.value.tolist() for _, predicted in seen]
    seen.clear()
    scorer.y = classes.copy()
    scorer.y[split.held] = np.random.default_rng(2).permutation(classes[split.held])
    permuted = scorer(split, features_of(z)).mean()
    assert [predicted.value.tolist() for _, predicted in seen] == predictions
    assert permuted < score - 0.1
    assert permuted == pytest.approx(1 / 3, abs=0.15)


def test_perfect_features_score_one_and_constant_ones_chance(classes):
    scorer = LabeledScorer(table(classes), "y", 10)
    split = scorer.split(0)
    assert scorer(split, features_of(np.eye(3)[classes])).mean() == 1.0
    assert scorer(split, features_of(np.ones((ROWS, 2)))).mean() == pytest.approx(1 / 3)


def test_rows_without_a_target_are_pre_trained_on_and_neither_teach_nor_judge(classes):
    known = np.random.default_rng(3).random(ROWS) < 0.4
    y = pa.array([f"class {c}" if k else None for c, k in zip(classes, known)])
    scorer = LabeledScorer(table(y), "y", 5)
    split = scorer.split(0)
    assert known[split.held].all()
    assert len(split.held) == round(0.2 * known.sum())
    assert sorted([*split.train, *split.held]) == list(range(ROWS))
    asked = []
    scorer(split, lambda rows: asked.extend(rows) or noisy(classes)[rows].astype(np.float32))
    assert known[asked].all()
    assert (scorer.y[known] == classes[known]).all()


def test_a_quantity_is_judged_by_r2_of_ten_times_as_many_rows(seen):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(ROWS, 2))
    y = 5 + 3 * z[:, 0] + rng.normal(size=ROWS)
    scorer = LabeledScorer(table(y), "y", 4)
    split = scorer.split(1)
    rows = scorer(split, features_of(z))
    assert all(len(problem.y) == 40 for problem, _ in seen)
    assert rows.mean() == pytest.approx(np.mean([r2_score(y[split.held], p.value) for _, p in seen]))
    assert rows.mean() > 0.7
    assert scorer.words == "R squared with 40 labeled rows"


def test_rankme_is_the_entropy_of_the_singular_values():
    z = (np.random.default_rng(0).normal(size=(100, 6)) * [9, 4, 2, 1, 0.5, 0.1]).astype(np.float32)
    scorer = LabelFreeScorer("rankme", 100)
    split = scorer.split(0)
    values = np.linalg.svd(z[split.held].astype(float), compute_uv=False)
    assert scorer(split, features_of(z)).mean() == pytest.approx(np.exp(stats.entropy(values)), rel=1e-3)
    assert (len(split.held), len(split.train)) == (20, 80)
    assert not set(split.held) & set(split.train)
    assert split.held.tolist() != scorer.split(1).held.tolist()


def test_label_free_interval_is_the_paired_t_interval_over_splits():
    rng = np.random.default_rng(0)
    a, b = rng.normal(2, 1, 5), rng.normal(1, 1, 5)
    scorer = LabelFreeScorer("rankme", 100)
    difference, interval = scorer.difference([a[n : n + 1] for n in range(5)], [b[n : n + 1] for n in range(5)], [])
    expected = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert difference == pytest.approx((a - b).mean())
    assert interval == pytest.approx((expected.low, expected.high))


def test_labelled_interval_covers_what_is_planted(classes):
    scorer, rng, covered = LabeledScorer(table(classes), "y"), np.random.default_rng(0), 0
    splits = [scorer.split(n) for n in range(5)]
    for _ in range(100):
        first = [(rng.random(60) < 0.7).astype(float) for _ in splits]
        second = [(rng.random(60) < 0.6).astype(float) for _ in splits]
        difference, (low, high) = scorer.difference(first, second, splits)
        assert low < difference < high
        covered += low < 0.1 < high
    assert covered >= 93


def test_names_of_scores(classes):
    rows = table(classes)
    assert isinstance(find_scorer("auto", rows, "y", 20), LabeledScorer)
    assert isinstance(find_scorer("auto", rows, None, 20), LabelFreeScorer)
    assert isinstance(find_scorer("rankme", rows, "y", 20), LabelFreeScorer)
    for arguments, told in (
        (("labels", rows, None, 20), "needs `target=COLUMN`"),
        (("rankm", rows, None, 20), "did you mean 'rankme'"),
        (("auto", rows, "z", 20), "no column 'z' to predict"),
        (("auto", table(pa.array([1] * 5 + [None] * 295)), "y", 20), "known in 5 rows; at least 10"),
        (("auto", table([1] * 40), "y", 20), "one class only"),
    ):
        with pytest.raises(InputError, match=told):
            find_scorer(*arguments)
