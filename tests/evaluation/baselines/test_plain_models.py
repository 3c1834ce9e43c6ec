"""Test the baselines that fit models to raw features, or ignore them."""

import numpy as np
import pyarrow as pa
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.metrics import roc_auc_score

from contramix.evaluation.baselines import BASELINES, BaselineInputs
from contramix.evaluation.baselines.boosting import boosting
from contramix.evaluation.baselines.trees import forest
from contramix.evaluation.probes.linear import linear
from contramix.evaluation.problem import PredictionProblem
from contramix.io.tables.canonical import to_canonical
from contramix.models.labeled_records import prepare_labeled_records
from contramix.models.pretraining import learn_spec
from contramix.models.task import Task
from contramix.recipe import Recipe

NAMES = ("chance", "trees", "forest", "boosting", "blend")


def inputs_of(y, seed=0):
    """Return the inputs of baselines for a table of two numbers, of which the first one decides, and a category."""
    rng = np.random.default_rng(seed)
    numbers = {"a": np.exp(np.argsort(np.argsort(y)) / len(y)), "b": rng.normal(size=len(y))}
    table = pa.table({**numbers, "c": rng.choice(["u", "v"], len(y)), "y": y})
    recipe = Recipe.load("npair")
    table = to_canonical(table)
    spec, _ = learn_spec(table, recipe, "y")
    return BaselineInputs(prepare_labeled_records(spec, table, "y"), recipe, ("linear",), torch.device("cpu"))


def problem_of(data, train, test):
    return PredictionProblem(data.task, train, data.y[train], test, training_rows=train)


@pytest.fixture(scope="module")
def three():
    """Return a table of three classes of 40 rows."""
    return inputs_of(np.repeat(["x", "y", "z"], 40))


@pytest.mark.parametrize("name", NAMES)
def test_class_scores_are_probabilities_and_a_class_without_training_rows_has_none(name, three):
    train, test = np.r_[0:80:2], np.r_[1:80:2, 100:120]
    predict = BASELINES[name].make(three)[0].predict
    guessed = predict(problem_of(three.data, train, test))
    assert_allclose(guessed.score.sum(1), 1)
    assert (guessed.score >= 0).all()
    assert (guessed.score[:, 2] == 0).all()
    assert (guessed.value == guessed.score.argmax(1)).all()
    if name != "chance":
        assert (guessed.value[:40] == three.data.y[test][:40]).mean() > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_a_class_of_one_row_can_be_in_training(name, three):
    train = np.r_[0:20, 40:60, 80:81]
    guessed = BASELINES[name].make(three)[0].predict(problem_of(three.data, train, np.arange(20, 40)))
    assert guessed.score.shape == (20, 3)
    assert np.isfinite(guessed.score).all()


@pytest.mark.parametrize("name", NAMES)
def test_one_row_of_each_class_is_enough(name, three):
    guessed = BASELINES[name].make(three)[0].predict(problem_of(three.data, np.array([0, 40, 80]), np.arange(1, 40)))
    assert_allclose(guessed.score.sum(1), 1)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_predicted(name):
    inputs = inputs_of(np.linspace(-1, 1, 200) ** 3)
    rows = np.random.default_rng(0).permutation(200)
    train, test = np.sort(rows[:150]), np.sort(rows[150:])
    guessed = BASELINES[name].make(inputs)[0].predict(problem_of(inputs.data, train, test))
    r2 = inputs.data.task.per_row_scores(inputs.data.y[test], guessed.value).mean()
    assert guessed.score is None
    assert abs(r2) < 0.1 if name == "chance" else r2 > 0.8


def test_chance_is_the_shares_of_the_classes(three):
    train = np.r_[0:10, 40:70, 80:90]
    guessed = BASELINES["chance"].make(three)[0].predict(problem_of(three.data, train, np.arange(10, 15)))
    assert_allclose(guessed.score, np.tile([0.2, 0.6, 0.2], (5, 1)))
    assert guessed.value.tolist() == [1] * 5


def test_forest_is_scikit_learn_s(three):
    train, test = np.arange(0, 120, 3), np.arange(1, 120, 3)
    problem = problem_of(three.data, train, test)
    expected = (
        RandomForestClassifier(300, random_state=0).fit(three.raw[train], problem.y).predict_proba(three.raw[test])
    )
    assert_allclose(forest(problem, three.raw).score, expected)


def test_blend_is_the_mean_of_its_parts(three):
    problem = problem_of(three.data, np.arange(0, 120, 3), np.arange(1, 120, 3))
    (quantile,) = BASELINES["raw-quantile"].make(three)
    parts = [linear(problem, three.raw), quantile.predict(problem), forest(problem, three.raw)]
    guessed = BASELINES["blend"].make(three)[0].predict(problem)
    assert_allclose(guessed.score, np.mean([part.score for part in parts], axis=0))


def test_boosting_learns_from_rows_that_scikit_learn_s_default_cannot_split():
    rng = np.random.default_rng(3)
    y = rng.permutation(np.repeat([0, 1], 520))
    z = rng.normal(size=(len(y), 6)).astype(np.float32)
    z[:, 0] += 2 * y
    train = np.concatenate([np.flatnonzero(y == label)[:19] for label in (0, 1)])  # fewer than two leaves of 20 rows
    test = np.setdiff1d(np.arange(len(y)), train)
    guessed = boosting(PredictionProblem(Task("classification", "y", ("0", "1")), train, y[train], test), z)
    default = HistGradientBoostingClassifier().fit(z[train], y[train]).predict_proba(z[test])[:, 1]
    assert roc_auc_score(y[test], guessed.score[:, 1]) > 0.8
    assert roc_auc_score(y[test], default) == 0.5


def test_boosting_stops_early_with_many_rows():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2000, 4)).astype(np.float32)
    y = (z[:, 0] + rng.normal(size=2000) > 0).astype(int)
    problem = PredictionProblem(
        Task("classification", "y", ("0", "1")), np.arange(1500), y[:1500], np.arange(1500, 2000)
    )
    guessed = boosting(problem, z)
    assert int(guessed.chosen.split()[0]) < 100, "the target is noisy, so few rounds are best"
    assert roc_auc_score(y[1500:], guessed.score[:, 1]) > 0.8


def test_boosting_takes_more_classes_than_held_out_rows(monkeypatch):
    monkeypatch.setattr("contramix.evaluation.baselines.boosting.EARLY_STOPPING_ROWS", 10)
    y = np.repeat(np.arange(12), 4)
    z = np.stack([y, -y], 1).astype(np.float32)
    rows = np.arange(len(y))
    problem = PredictionProblem(Task("classification", "y", tuple("abcdefghijkl")), rows, y, rows[:5])
    assert boosting(problem, z).score.shape == (5, 12)
