"""The protocol against independent computations; and nothing it chooses may come from test rows."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from contramix.errors import InputError
from contramix.evaluation import probes
from contramix.evaluation.protocol import Features, Score, compare, draw_labels, splits
from contramix.evaluation.task import Task, find_task
from contramix.evaluation.verdict import judge, paired

CLASSES = Task("classification", "y", ("0", "1", "2"))
QUANTITY = Task("regression", "y")


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 400)
    z = (rng.normal(size=(400, 6)) + 1.2 * np.eye(3, 6)[y]).astype(np.float32) * 7 + 100
    return z[:300], y[:300], z[300:], y[300:]


def test_linear_probe_is_scikit_learns_logistic_regression_at_the_strength_chosen(blobs):
    z, y, test, _ = blobs
    predicted = probes.linear(CLASSES, z, y, test, seed=0)
    mean, scale = z.mean(0), z.std(0)
    a, b = (z - mean) / scale, (test - mean) / scale
    agree = [
        (LogisticRegression(C=c, max_iter=1000).fit(a, y).predict(b) == predicted).mean() for c in probes.STRENGTHS
    ]
    assert max(agree) > 0.99


def test_regression_probe_is_ridge(blobs):
    z, _, test, _ = blobs
    y = z @ np.arange(6.0) + np.random.default_rng(1).normal(size=len(z))
    predicted = probes.linear(QUANTITY, z, y, test, seed=0)
    mean, scale = z.mean(0), z.std(0)
    a, b = (z - mean) / scale, (test - mean) / scale
    off = [np.abs(Ridge(alpha=1 / c).fit(a, y).predict(b) - predicted).max() for c in probes.STRENGTHS]
    assert min(off) < 1e-2


@pytest.mark.parametrize("k", [1, 5, 20])
def test_knn_probe_is_scikit_learns(blobs, monkeypatch, k):
    z, y, test, _ = blobs
    monkeypatch.setattr(probes, "NEIGHBOURS", (k,))
    a, b = probes.standardise(z, test)
    mine = probes.knn(CLASSES, z, y, test, seed=0)
    theirs = KNeighborsClassifier(k).fit(a, y).predict(b)
    assert (mine == theirs).mean() > 0.98  # ties may fall either way
    t = z[:, 0].astype(float)
    np.testing.assert_allclose(
        probes.knn(QUANTITY, z, t, test, seed=0), KNeighborsRegressor(k).fit(a, t).predict(b), rtol=1e-4
    )


@pytest.mark.parametrize("name", ["linear", "knn"])
def test_test_rows_change_no_choice(blobs, name):
    z, y, test, _ = blobs
    probe = probes.PROBES[name]
    alone = [probe(CLASSES, z, y, test[n : n + 1], seed=3)[0] for n in range(40)]
    assert np.array_equal(alone, probe(CLASSES, z, y, test, seed=3)[:40])


def test_shuffled_labels_score_chance(blobs):
    z, y, test, truth = blobs
    wrong = np.random.default_rng(0).permutation(y)
    score = CLASSES.contributions(truth, probes.linear(CLASSES, z, wrong, test, seed=0)).mean()
    assert score < 0.5


def test_constant_features_are_harmless(blobs):
    z, y, test, _ = blobs
    predicted = probes.linear(CLASSES, np.full_like(z, 3.0), y, np.full_like(test, 3.0), seed=0)
    assert len(set(predicted)) == 1


def test_splits_do_not_overlap_and_official_parts_are_kept():
    y = np.repeat([0, 1, 2], 40)
    for seed, train, test in splits(CLASSES, y, range(3), None):
        assert sorted([*train, *test]) == list(range(120))
        assert np.bincount(y[test]).tolist() == [8, 8, 8]
        assert seed in range(3)
    official = np.arange(100, 120)
    for part in splits(CLASSES, y, range(2), official):
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
    rows = [Features(name, "baseline", lambda seed: z) for name in ("one", "two")]
    scores = compare(CLASSES, y, rows, splits(CLASSES, y, range(2), None), (5,), range(4))
    cells = {(s.name, s.probe, s.labels_per_class): s for s in scores}
    assert len(cells) == 6
    for (name, probe, labels), score in cells.items():
        other = cells["two" if name == "one" else "one", probe, labels]
        assert [c.tolist() for c in score.contributions] == [c.tolist() for c in other.contributions]
    assert len(cells["one", "linear", 5].contributions) == 4
    full = cells["one", "linear", None]
    assert full.mean == pytest.approx(full.each.mean())
    assert full.spread == pytest.approx(full.each.std(ddof=1))


def score(name, kind, contributions, probe="linear"):
    rows = [np.arange(len(c)) for c in contributions]
    return Score(name, kind, probe, None, [np.asarray(c, float) for c in contributions], rows)


def test_interval_of_one_seed_is_the_paired_t_interval_over_test_rows():
    rng = np.random.default_rng(0)
    a, b = rng.random(200) < 0.8, rng.random(200) < 0.7
    difference, (low, high) = paired(score("m", "pretrained", [a]), score("raw", "baseline", [b]))
    expected = stats.ttest_rel(a.astype(float), b.astype(float)).confidence_interval(0.95)
    assert difference == pytest.approx(a.mean() - b.mean())
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_verdict_on_nothing_planted_and_planted_effects():
    rng = np.random.default_rng(0)
    outcomes = []
    for _ in range(200):
        same = [rng.random(300) < 0.7 for _ in range(6)]
        scores = [score("m", "pretrained", same[:3]), score("raw", "baseline", same[3:])]
        outcomes.append(judge(scores, "m").outcome)
    assert outcomes.count("no difference") >= 190
    for shift, outcome in ((0.15, "helped"), (-0.15, "hurt")):
        model = [rng.random(2000) < 0.7 + shift for _ in range(3)]
        raw = [rng.random(2000) < 0.7 for _ in range(3)]
        verdict = judge([score("m", "pretrained", model), score("raw", "baseline", raw)], "m")
        assert verdict.outcome == outcome
        assert verdict.interval[0] < verdict.difference < verdict.interval[1]


def test_verdict_says_when_a_plain_baseline_is_better():
    scores = [
        score("m", "pretrained", [[1, 1, 0, 1] * 50]),
        score("raw", "baseline", [[1, 0, 0, 1] * 50]),
        score("boosting", "baseline", [[1, 1, 1, 1] * 50], "boosting"),
    ]
    text = judge(scores, "m").text
    assert "helped" in text
    assert "gradient boosting on raw features does better still: 1.000" in text


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


def test_r2_contributions_average_to_r2():
    from sklearn.metrics import r2_score

    rng = np.random.default_rng(0)
    truth, predicted = rng.normal(size=50), rng.normal(size=50)
    assert QUANTITY.contributions(truth, predicted).mean() == pytest.approx(r2_score(truth, predicted))
