"""Compare DACL's cross-validation with a double loop."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from contramix.errors import InputError
from contramix.evaluation.cross_validation import cross_validate_probe
from contramix.evaluation.problem import Predictions
from contramix.models.task import Task

CLASSES = Task("classification", "y", ("0", "1", "2"))


def logistic(problem, z):
    model = LogisticRegression(max_iter=1000).fit(z[problem.train], problem.y)
    return Predictions(model.predict(z[problem.test]))


@pytest.fixture
def runs():
    """Features of two epochs of each of three runs, each better than the one before."""
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat([0, 1, 2], [40, 50, 30]))
    made = [
        [(rng.normal(size=(120, 4)) + (r + e / 2) * np.eye(3, 4)[y]).astype(np.float32) for e in range(2)]
        for r in range(3)
    ]
    return made, y


def test_it_is_a_plain_double_loop(runs):
    features, y = runs
    found = cross_validate_probe(CLASSES, features, y, folds=5, seed=3, probe=logistic)
    of_runs = []
    for number, epochs in enumerate(features):
        accuracies = []
        for z in epochs:
            for train, test in StratifiedKFold(5, shuffle=True, random_state=3 + number).split(y, y):
                model = LogisticRegression(max_iter=1000).fit(z[train], y[train])
                accuracies.append(model.score(z[test], y[test]))
        of_runs.append(np.mean(accuracies))
    assert found.each.shape == (3, 2, 5)
    assert found.mean == pytest.approx(np.mean(of_runs))
    assert found.std == pytest.approx(np.std(of_runs, ddof=1))
    assert of_runs[0] < of_runs[1] < of_runs[2]


def test_every_record_is_tested_once_and_never_learned_from_then(runs):
    features, y = runs
    tested = []

    def recorded(problem, z):
        tested.append(problem.test)
        assert not set(problem.test) & set(problem.train)
        assert problem.test_targets is None
        assert np.array_equal(problem.y, y[problem.train])
        return Predictions(np.zeros(len(problem.test), int))

    found = cross_validate_probe(CLASSES, features[:1], y, probe=recorded)
    assert len(tested) == 20
    for epoch in (tested[:10], tested[10:]):
        assert sorted(np.concatenate(epoch)) == list(range(120))
    assert found.mean == pytest.approx(40 / 120, abs=0.01)
    assert found.std is None


def test_adam_by_default_scores_chance_on_noise_and_more_by_peeking():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 50)
    z = [[rng.normal(size=(100, 8)).astype(np.float32)]]
    task = Task("classification", "y", ("a", "b"))
    honest = cross_validate_probe(task, z, y, folds=4)
    peeked = cross_validate_probe(task, z, y, folds=4, pick_on_test=True)
    assert 0.3 < honest.mean < 0.7
    assert peeked.mean > honest.mean


def test_too_few_records_for_the_folds():
    y = np.array([0, 1, 2] * 4)
    with pytest.raises(InputError, match="at least 10 records"):
        cross_validate_probe(CLASSES, [[np.zeros((12, 2), np.float32)]], y)


def test_all_folds_at_once_are_the_folds_one_by_one():
    from contramix.evaluation.cross_validation import adam_on_folds
    from contramix.evaluation.probes.descent import Descent
    from contramix.training.optimizers import OptimizerSettings

    draw = np.random.default_rng(3)
    y = draw.integers(0, 3, 90)
    z = (draw.normal(size=(90, 7)) + y[:, None] * np.array([1, 0, 0, -1, 0, 0, 0])).astype(np.float32)
    constant = OptimizerSettings(optimizer="adamw", lr=1.0, weight_decay=0.0, schedule="constant", warmup_epochs=0)
    one_by_one = Descent(constant, rates=(1e-2,), epochs=100).probe
    task = Task("classification", "kind", ("a", "b", "c"))
    expected = cross_validate_probe(task, [[z]], y, folds=5, seed=4, probe=one_by_one).each[0, 0]
    np.testing.assert_allclose(adam_on_folds(z, y, folds=5, seed=4), expected, atol=1e-9)
