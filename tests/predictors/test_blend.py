"""Test blends and their parts: predictions, weights, conversion to tensors, and trees that are stored as arrays."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import roc_auc_score

from contramix.models.task import Task
from contramix.predictors.blend import REPRESENTATION, Blend, Part, _learn_scale, _scaled, fit_blend
from contramix.predictors.feature_rows import FeatureScale
from contramix.predictors.labeled_rows import Targets, split_folds
from contramix.predictors.linear import STRENGTHS, fit_least_squares, fit_linear
from contramix.predictors.trees import MODELS, fit_trees, to_arrays
from contramix.predictors.weights import (
    SMALLEST_SHARE,
    USUAL_SHARE,
    blend_weights,
    learn_sharpness,
    representation_share,
    sharpen,
)

TASK, NUMBER = Task("classification", "y", ("a", "b")), Task("regression", "y")
PARTS = (Part("linear", ("good",), 1.0), Part("forest", ("good", "noise"), 1.0), Part("linear", ("noise",), 1.0))


def targets(task, y):
    return Targets(task, y, np.ones(len(y)))


def data(n=500, labeled=60, task=TASK):
    rng = np.random.default_rng(3)
    good, noise = rng.normal(size=(n, 4)), rng.normal(size=(n, 100))
    target = good[:, 0] - good[:, 1] + rng.normal(0, 0.5, n)
    y = (target > 0).astype(int) if task.classes else 100 + 10 * target
    features = {"good": good.astype(np.float32), "noise": noise.astype(np.float32)}
    return features, np.sort(rng.permutation(n)[:labeled]), y


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c"), ("a", "b", "c", "none of the rows")])
def test_least_squares_decides_as_scikit_learn(classes):
    rng = np.random.default_rng(0)
    y = np.arange(30) % min(3, len(classes))
    x = (rng.normal(size=(30, 80)) + 0.4 * np.eye(3, 80)[y]).astype(np.float32)
    task = Task("classification", "y", classes)
    model, held_out = fit_least_squares(targets(task, y), x, split_folds(task, y, 0, repeats=2))
    scores = model(x)
    np.testing.assert_allclose(scores.sum(1), 1)
    assert held_out.shape == (2, 30, len(classes))
    assert len(classes) < 4 or (scores[:, 3] == 0).all()
    test = rng.normal(size=(200, 80)).astype(np.float32)
    decided = [RidgeClassifier(alpha=1 / strength).fit(x, y).predict(test) for strength in STRENGTHS]
    assert max(np.mean(model(test).argmax(1) == each) for each in decided) > 0.99


def test_least_squares_weights_rows():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 5)).astype(np.float32), np.arange(40) % 2
    twice = np.concatenate([np.arange(40), np.arange(10)])
    weight = np.where(np.arange(40) < 10, 2.0, 1.0)
    one, _ = fit_least_squares(Targets(TASK, y, weight), x, [])
    two, _ = fit_least_squares(targets(TASK, y[twice]), x[twice], [])
    np.testing.assert_allclose(one(x), two(x), atol=1e-6)


def test_frequencies_of_terms_are_weighted_as_in_scikit_learn():
    counts = np.random.default_rng(0).poisson(0.3, (50, 20)).astype(np.float32)
    z = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0).astype(np.float32)
    rows = np.arange(20)
    theirs = TfidfTransformer(sublinear_tf=True).fit(counts[rows]).transform(counts).toarray()
    scaled = _scaled("terms", _learn_scale("terms", z, np.arange(50), rows), np.arange(50))
    np.testing.assert_allclose(scaled, theirs * np.sqrt(20), atol=1e-5)


@pytest.mark.parametrize("task", [TASK, NUMBER])
def test_tensors_and_back_give_the_same_predictions(task):
    features, rows, y = data(task=task)
    blend = fit_blend(targets(task, y[rows]), features, rows, PARTS, 0)
    again = Blend.from_tensors(task, PARTS, blend.tensors())
    np.testing.assert_array_equal(again.scores(features), blend.scores(features))
    assert fit_blend(targets(task, y[rows]), features, rows, PARTS, 0).tensors().keys() == blend.tensors().keys()


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.5])
def test_sharpness_is_found_and_shrunk_towards_one(exponent):
    rng = np.random.default_rng(0)
    truth = rng.dirichlet([1, 1, 1], 4000)
    y = (truth.cumsum(1) < rng.random((4000, 1))).sum(1)
    task = Task("classification", "y", ("a", "b", "c"))
    predicted = sharpen(truth, 1 / exponent)
    assert learn_sharpness(targets(task, y), predicted[None]) == pytest.approx(exponent, rel=0.1)
    few = learn_sharpness(targets(task, y[:10]), predicted[None, :10])
    assert min(exponent, 1) ** 0.5 - 0.1 <= few <= max(exponent, 1) ** 0.5 + 0.1
    np.testing.assert_allclose(sharpen(predicted, exponent), truth)


def test_blends_that_were_saved_without_sharpness_have_one():
    features, rows, y = data()
    blend = fit_blend(targets(TASK, y[rows]), features, rows, PARTS, 0)
    tensors = blend.tensors()
    assert blend.sharpness != 1
    assert Blend.from_tensors(TASK, PARTS, tensors).sharpness == pytest.approx(blend.sharpness)
    assert Blend.from_tensors(TASK, PARTS, tensors | {"target": tensors["target"][:2]}).sharpness == 1


def test_useless_features_get_little_weight():
    features, rows, y = data()
    blend = fit_blend(targets(TASK, y[rows]), features, rows, PARTS, 0)
    scores = blend.scores(features)
    assert blend.weights.sum() == pytest.approx(1)
    assert blend.weights[0] > 0.6 > 0.1 > blend.weights[2]
    np.testing.assert_allclose(scores.sum(1), 1)
    rest = np.setdiff1d(np.arange(len(y)), rows)
    assert roc_auc_score(y[rest], scores[rest, 1]) > 0.9


def test_numeric_targets_keep_their_unit():
    features, rows, y = data(task=NUMBER)
    found = fit_blend(targets(NUMBER, y[rows]), features, rows, PARTS, 0).scores(features)
    rest = np.setdiff1d(np.arange(len(y)), rows)
    assert 1 - np.mean((found[rest] - y[rest]) ** 2) / y[rest].var() > 0.7


def test_without_rows_for_folds_the_prior_decides():
    features, _, y = data()
    rows = np.array([int((y == 0).argmax()), int((y == 1).argmax()), 7])
    blend = fit_blend(targets(TASK, y[rows]), features, rows, PARTS, 0)
    np.testing.assert_allclose(blend.weights, 1 / 3)


@pytest.mark.parametrize("task", [TASK, NUMBER])
@pytest.mark.parametrize("block", ["good", "noise"])
def test_linear_part_is_scikit_learns(task, block):
    features, rows, y = data(task=task)
    x = FeatureScale.learn(features[block], np.arange(500)).rows(np.arange(500))[:]
    folds = split_folds(task, y[rows], 0, repeats=2)
    model, held_out = fit_linear(targets(task, y[rows]), x[rows], folds)
    assert held_out.shape == (2, 60, len(task.classes) or 1)
    assert np.isfinite(held_out).all()
    gaps = []
    for strength in STRENGTHS:
        if task.classes:
            theirs = LogisticRegression(C=strength, tol=1e-9, max_iter=9999).fit(x[rows], y[rows]).predict_proba(x)
        else:
            theirs = Ridge(1 / strength).fit(x[rows], y[rows]).predict(x)[:, None]
        gaps.append(np.abs(model(x) - theirs).max() / np.std(y))
    assert min(gaps) < 2e-3


def test_weights_follow_held_out_rows_and_the_prior():
    y = np.arange(40) % 2
    both = targets(TASK, y)
    sure, vague = np.where(np.eye(2)[y] == 1, 0.8, 0.2)[None], np.full((1, 40, 2), 0.5)
    prior = np.array([0.5, 0.5])
    assert blend_weights(both, [sure, vague], prior)[0] > 0.8
    assert blend_weights(both, [1 - sure, vague], prior)[0] < 0.2
    np.testing.assert_allclose(blend_weights(both, [vague, vague], np.array([0.3, 0.7])), [0.3, 0.7], atol=1e-3)
    few = slice(0, 4)
    less = blend_weights(targets(TASK, y[few]), [sure[:, few], vague[:, few]], prior)[0]
    assert 0.5 < less < blend_weights(both, [sure, vague], prior)[0]


def test_representations_that_disagree_with_the_judge_get_little_weight():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2000, 1))
    judge, linear, trees, useful = (truth + rng.normal(size=truth.shape) for _ in range(4))
    usual = representation_share(judge, [linear, trees], useful)
    assert usual == pytest.approx(USUAL_SHARE, abs=0.15)
    vague = truth + 2 * rng.normal(size=truth.shape)
    assert SMALLEST_SHARE <= representation_share(judge, [linear, trees], vague) < usual - 0.2
    assert representation_share(judge, [linear, trees], np.zeros_like(truth)) == SMALLEST_SHARE


def test_the_prior_of_a_blend_follows_the_agreement():
    features, rows, y = data(labeled=30)
    parts = [Part(kind, ("good",), 1.0) for kind in ("linear", "forest", "boosting")]
    weights = {}
    for name in ("good", "noise"):
        learned = Part("linear", (f"{REPRESENTATION}.0",), 1.0)
        given = {**features, f"{REPRESENTATION}.0": features[name]}
        weights[name] = fit_blend(targets(TASK, y[rows]), given, rows, [*parts, learned], 0).weights[-1]
    assert weights["noise"] < 0.1 < weights["good"]


TWO, THREE = TASK, Task("classification", "y", ("a", "b", "c"))


def rows_with_ties(n=120, classes=3):
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(n, 6)), 1).astype(np.float32)  # with ties
    y = rng.integers(0, classes, n)
    x[:, 0] += y
    return x, y


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("task", "classes"), [(TWO, 2), (THREE, 3), (NUMBER, 0)])
def test_arrays_predict_what_scikit_learn_predicts(name, task, classes):
    x, y = rows_with_ties(classes=classes or 3)
    y = y if classes else y + x[:, 1]
    model = MODELS[name][0](task, 30, 1).fit(x, y)
    test = np.random.default_rng(1).normal(size=(700, 6)).astype(np.float32)
    theirs = model.predict_proba(test) if classes else model.predict(test)[:, None]
    np.testing.assert_allclose(to_arrays(task, model)(test), theirs, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("present", [(0, 2), (1, 2), (0, 1)])
def test_a_class_without_rows_has_no_probability(name, present):
    x, y = rows_with_ties()
    kept = np.isin(y, present)
    found = fit_trees(Targets(THREE, y[kept], np.ones(kept.sum())), name, x[kept], 0)(x)
    absent = ({0, 1, 2} - set(present)).pop()
    assert not found[:, absent].any()
    np.testing.assert_allclose(found.sum(1), 1)
    assert (found[kept].argmax(1) == y[kept]).mean() > 0.7


def test_a_tree_may_be_a_single_leaf():
    x = np.zeros((8, 2), np.float32)
    model = RandomForestClassifier(3, random_state=0).fit(x, [0, 1] * 4)
    np.testing.assert_allclose(to_arrays(TWO, model)(x), model.predict_proba(x))
    boosted = GradientBoostingClassifier(n_estimators=2).fit(x, [0, 1] * 4)
    np.testing.assert_allclose(to_arrays(TWO, boosted)(x), boosted.predict_proba(x))
    assert to_arrays(TWO, boosted)(x[:0]).shape == (0, 2)
