"""Compare metrics with scikit-learn, and test the per-row scores that give their mean and standard error."""

import numpy as np
import pytest
from sklearn import metrics as theirs

from contramix.errors import InputError
from contramix.evaluation.metrics import BINS, METRICS, all_metrics, class_weights, find_metric
from contramix.evaluation.problem import Predictions
from contramix.models.task import Task

QUANTITY = Task("regression", "y")


def classes(n):
    return Task("classification", "y", tuple(map(str, range(n))))


def sample(n, many, seed=0, signal=1.0):
    """Imbalanced truth, and scores with ties that tell something of it."""
    rng = np.random.default_rng(seed)
    share = np.array([0.8, 0.15, 0.05][:many]) if many > 2 else np.array([0.85, 0.15])
    truth = rng.choice(many, n, p=share / share.sum())
    score = rng.normal(size=(n, many)).round(1)
    score[np.arange(n), truth] += signal
    return truth, Predictions(score.argmax(1), score)


@pytest.mark.parametrize("many", [2, 3])
def test_every_metric_is_scikit_learns(many):
    truth, predicted = sample(300, many)
    found = all_metrics(classes(many), truth, predicted)
    assert found.keys().isdisjoint({"log_loss", "calibration_error"}), "these scores are no probabilities"
    hot = np.eye(many, dtype=int)[truth]
    sides = [1] if many == 2 else [0, 1, 2]
    assert found == pytest.approx(
        {
            "accuracy": theirs.accuracy_score(truth, predicted.value),
            "balanced_accuracy": theirs.balanced_accuracy_score(truth, predicted.value),
            "auroc": np.mean([theirs.roc_auc_score(hot[:, c], predicted.score[:, c]) for c in sides]),
            "average_precision": np.mean(
                [theirs.average_precision_score(hot[:, c], predicted.score[:, c]) for c in sides]
            ),
        }
    )


def test_metrics_of_quantities_are_scikit_learns():
    rng = np.random.default_rng(0)
    truth, value = rng.normal(size=50), rng.normal(size=50)
    found = all_metrics(QUANTITY, truth, Predictions(value))
    assert found == pytest.approx(
        {"r2": theirs.r2_score(truth, value), "rmse": theirs.root_mean_squared_error(truth, value)}
    )


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if m.per_row and m.kind == "classification"])
@pytest.mark.parametrize("many", [2, 3])
def test_rows_tell_the_sampling_error(name, many):
    """The standard error by rows is that seen over many samples."""
    task, metric = classes(many), METRICS[name]
    values, errors = [], []
    for seed in range(300):
        truth, predicted = sample(300, many, seed)
        rows = metric.per_row(task, truth, predicted, None)
        assert rows.mean() == pytest.approx(metric.compute(task, truth, predicted, None))
        values.append(rows.mean())
        errors.append(rows.std(ddof=1) / np.sqrt(len(rows)))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_classes_that_do_not_occur_are_left_out():
    task = classes(3)
    truth = np.array([0, 0, 1, 1])
    predicted = Predictions(np.array([0, 2, 1, 1]), np.eye(3)[[0, 2, 1, 1]])
    assert METRICS["balanced_accuracy"].compute(task, truth, predicted, None) == pytest.approx(0.75)
    assert METRICS["auroc"].compute(task, truth, predicted, None) == pytest.approx((0.75 + 1) / 2)
    assert METRICS["average_precision"].compute(task, truth, predicted, None) <= 1


def probabilities(n, many, seed=0):
    truth, predicted = sample(n, many, seed)
    odds = np.exp(predicted.score)
    return truth, Predictions(predicted.value, odds / odds.sum(1, keepdims=True))


@pytest.mark.parametrize("many", [2, 3])
def test_weighted_accuracy_and_log_loss_are_scikit_learns(many):
    truth, predicted = probabilities(300, many)
    labeled = np.repeat(np.arange(many), [20, 20, 5][:many])
    weights = class_weights(truth, labeled)
    assert weights.mean() == pytest.approx(1)
    shares = np.bincount(truth, weights) / len(truth)
    assert shares == pytest.approx(np.bincount(labeled) / len(labeled))
    for given in (weights, None):
        found = all_metrics(classes(many), truth, predicted, given)
        wanted = theirs.accuracy_score(truth, predicted.value, sample_weight=given)
        assert found["accuracy"] == pytest.approx(wanted)
        assert found["log_loss"] == pytest.approx(theirs.log_loss(truth, predicted.score, sample_weight=given))
    equal = all_metrics(classes(many), truth, predicted, class_weights(truth, np.arange(many)))
    assert equal["accuracy"] == pytest.approx(equal["balanced_accuracy"])


def test_weighting_a_row_is_repeating_it():
    truth, predicted = probabilities(200, 2)
    predicted = Predictions(predicted.value, predicted.score.round(2))
    twice = np.concatenate([np.arange(200), np.flatnonzero(truth == 1)])
    repeated = Predictions(predicted.value[twice], predicted.score[twice])
    weights = np.where(truth == 1, 2.0, 1.0)
    weights /= weights.mean()
    for name in ("accuracy", "log_loss", "calibration_error"):
        compute = METRICS[name].compute
        expected = compute(classes(2), truth[twice], repeated, None)
        assert compute(classes(2), truth, predicted, weights) == pytest.approx(expected), name


def test_rows_tell_the_sampling_error_of_weighted_accuracy():
    """The shares of the classes among the labeled rows do not vary, so only the rows within a class count."""
    values, errors = [], []
    for seed in range(300):
        truth, predicted = sample(300, 2, seed)
        rows = METRICS["accuracy"].per_row(classes(2), truth, predicted, class_weights(truth, np.array([0, 1])))
        values.append(rows.mean())
        errors.append(rows.std(ddof=1) / np.sqrt(len(rows)))
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_calibration_error_is_the_mean_of_the_bins():
    rng = np.random.default_rng(0)
    right = rng.uniform(0.5, 1, 3000)
    score = np.stack([1 - right, right], 1)
    truth = (rng.random(3000) < right**2).astype(int)
    order = np.argsort(right)
    expected = np.mean([abs(right[part].mean() - truth[part].mean()) for part in np.split(order, BINS)])
    found = METRICS["calibration_error"].compute(classes(2), truth, Predictions(score.argmax(1), score), None)
    assert found == pytest.approx(expected)
    honest = (rng.random(3000) < right).astype(int)
    assert METRICS["calibration_error"].compute(classes(2), honest, Predictions(score.argmax(1), score), None) < 0.04


def test_rows_of_equal_confidence_share_a_bin():
    """Half of the rows are right at 50 % confidence, in an order that would look wrong in each bin."""
    score, truth = np.full((100, 2), 0.5), np.repeat([0, 1], 50)
    assert METRICS["calibration_error"].compute(classes(2), truth, Predictions(score.argmax(1), score), None) == 0


def test_metric_for_a_verdict():
    assert find_metric(classes(2)) == "auroc"
    assert find_metric(classes(3)) == "balanced_accuracy"
    assert find_metric(QUANTITY) == "r2"
    assert find_metric(classes(2), "auroc") == "auroc"
    with pytest.raises(InputError, match=r"`metric` rmse.*r2"):
        find_metric(QUANTITY, "rmse")
    with pytest.raises(InputError, match="did you mean 'auroc'"):
        find_metric(classes(2), "auc")
