"""Compare tree ensembles that are stored as arrays with scikit-learn's predictions."""

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier

from contramix.models.task import Task
from contramix.predictors.labeled_rows import Targets
from contramix.predictors.trees import MODELS, fit_trees, to_arrays

TWO, THREE = Task("classification", "y", ("a", "b")), Task("classification", "y", ("a", "b", "c"))
NUMBER = Task("regression", "y")


def rows(n=120, classes=3):
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(n, 6)), 1).astype(np.float32)  # with ties
    y = rng.integers(0, classes, n)
    x[:, 0] += y
    return x, y


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("task", "classes"), [(TWO, 2), (THREE, 3), (NUMBER, 0)])
def test_arrays_predict_what_scikit_learn_predicts(name, task, classes):
    x, y = rows(classes=classes or 3)
    y = y if classes else y + x[:, 1]
    model = MODELS[name][0](task, 30, 1).fit(x, y)
    test = np.random.default_rng(1).normal(size=(700, 6)).astype(np.float32)
    theirs = model.predict_proba(test) if classes else model.predict(test)[:, None]
    np.testing.assert_allclose(to_arrays(task, model)(test), theirs, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("present", [(0, 2), (1, 2), (0, 1)])
def test_a_class_without_rows_has_no_probability(name, present):
    x, y = rows()
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
