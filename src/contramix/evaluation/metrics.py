"""Compute metrics of predictions.

Metrics that a verdict can use are means of per-row scores, so that two models can be compared row by row.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from contramix.errors import InputError, nearest
from contramix.evaluation.problem import Predictions
from contramix.models.task import Kind, Task

BINS = 15
"""Number of bins of equal total weight in which the calibration error compares confidence with accuracy."""

RowWeights = Float64[ndarray, " n"] | None
"""Weight of each test row, with mean 1; None for equal weights."""
PerRowScores = Callable[[Task, ndarray, Predictions, RowWeights], Float64[ndarray, " n"]]


class Metric(NamedTuple):
    """Describe a metric: its kind of task, its display name, and the functions that compute it.

    Parameters
    ----------
    kind
        Kind of task: ``"classification"`` or ``"regression"``.
    words
        Display name, such as ``"area under the ROC curve"``.
    compute
        Function of task, true targets, predictions and weights of the rows that returns the metric. Only accuracy, log
        loss and calibration error use the weights: the other metrics do not depend on the shares of the classes, or
        are not reweighted.
    per_row
        Function with the same arguments that returns one score per row. The mean of the scores is the metric, and the
        variance of this mean approximates the sampling variance of the metric. None if there are no such scores.
    """

    kind: Kind
    words: str
    compute: Callable[[Task, ndarray, Predictions, RowWeights], float]
    per_row: PerRowScores | None = None


def class_weights(truth: ndarray, labeled: ndarray) -> Float64[ndarray, " n"]:
    """Return a weight for each test row, so that the classes weigh as much as their shares of the labeled rows.

    Few labels are drawn in equal numbers per class, and a model cannot learn other class shares from them. Metrics that
    depend on class shares, such as accuracy and log loss, are therefore computed with these weights. Classes without
    labeled rows have weight 0, unless no class of the test rows has labeled rows; then all weights are 1.

    Parameters
    ----------
    truth
        Class numbers of the test rows.
    labeled
        Class numbers of the labeled rows.
    """
    classes = 1 + max(truth.max(), labeled.max())
    wanted, found = (np.bincount(y, minlength=classes) for y in (labeled, truth))
    weight = (wanted / np.maximum(found, 1))[truth]
    return np.asarray(weight / weight.mean() if weight.any() else np.ones(len(truth)))


def accuracy_or_r2(
    task: Task, truth: ndarray, predicted: Predictions, weights: RowWeights = None
) -> Float64[ndarray, " n"]:
    """Return per-row scores whose mean is the accuracy (classification) or R squared (regression).

    In classification a row scores 1 if the predicted class is right, else 0. In regression it scores
    ``1 - error^2 / variance``, where ``variance`` is that of the true targets. With ``weights`` of the rows, which must
    be equal within a class, the mean of the scores is the weighted accuracy, and scores can be outside the range from 0
    to 1.
    """
    scores = task.per_row_scores(truth, predicted.value)
    if weights is None:
        return scores
    _, position, count = np.unique(truth, return_inverse=True, return_counts=True)
    recall = np.bincount(position, scores) / count
    # The shares of the classes are fixed, and only rows within a class vary.
    mean = np.average(recall, weights=np.bincount(position, weights))
    return np.asarray(mean + weights * (scores - recall[position]))


def balanced_accuracy(
    task: Task, truth: ndarray, predicted: Predictions, weights: RowWeights = None
) -> Float64[ndarray, " n"]:
    """Return per-row scores whose mean is the balanced accuracy: the recall averaged over the classes that occur.

    Rows of rare classes have larger weights, so a score can be outside the range from 0 to 1. ``weights`` is ignored.
    """
    return accuracy_or_r2(task, truth, predicted, class_weights(truth, np.unique(truth)))


def auroc(task: Task, truth: ndarray, predicted: Predictions, weights: RowWeights = None) -> Float64[ndarray, " n"]:
    """Return per-row scores whose mean is the area under the ROC curve (AUROC).

    With more than two classes, the area is averaged over classes, each against the rest. The scores are DeLong's
    structural components, from which the variance of the area is estimated. ``weights`` is ignored, because the area
    does not depend on the shares of the classes.
    """
    score = _require_class_scores(predicted)
    parts = []
    for label in _positive_classes(task):
        positive = truth == label
        n1, n0 = int(positive.sum()), int((~positive).sum())
        if not n1 or not n0:
            continue
        among_all = rankdata(score[:, label])
        component = np.empty(len(truth))
        component[positive] = (among_all[positive] - rankdata(score[positive, label])) / n0
        component[~positive] = 1 - (among_all[~positive] - rankdata(score[~positive, label])) / n1
        area = component[positive].mean()
        weight = np.where(positive, len(truth) / n1, len(truth) / n0)
        parts.append(area + weight * (component - area))
    return np.mean(parts, axis=0) if parts else np.full(len(truth), 0.5)


def average_precision(task: Task, truth: ndarray, predicted: Predictions, weights: RowWeights = None) -> float:
    """Return the average precision; with more than two classes, the mean over classes (one against the rest).

    With two classes, the last one is the positive class. ``weights`` is ignored.
    """
    score = _require_class_scores(predicted)
    present = [label for label in _positive_classes(task) if (truth == label).any()]
    return float(np.mean([average_precision_score(truth == label, score[:, label]) for label in present or [0]]))


def log_loss(task: Task, truth: ndarray, predicted: Predictions, weights: RowWeights = None) -> float:
    """Return the mean of minus the natural logarithm of the probability of the true class; lower is better.

    Probabilities below 2e-16 count as 2e-16, as in scikit-learn. ``weights`` are the weights of the rows.
    """
    probability = _require_class_scores(predicted)[np.arange(len(truth)), truth].astype(np.float64)
    return float(np.average(-np.log(np.maximum(probability, np.finfo(np.float64).eps)), weights=weights))


def calibration_error(task: Task, truth: ndarray, predicted: Predictions, weights: RowWeights = None) -> float:
    """Return the expected calibration error of the most probable class: 0 if probabilities mean what they say.

    Rows are sorted by the probability of their most probable class into 15 bins of equal total weight, and rows of
    equal probability share a bin. The error is the weighted mean over bins of the absolute difference between the mean
    probability and the share of correct predictions. ``weights`` are the weights of the rows.
    """
    score = _require_class_scores(predicted)
    weight = np.ones(len(truth)) if weights is None else weights
    confidence, position = np.unique(score.max(1), return_inverse=True)
    mass = np.bincount(position, weight)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    bins = np.minimum((BINS * middle).astype(int), BINS - 1)[position]
    excess = weight * (confidence[position] - (score.argmax(1) == truth))
    return float(np.abs(np.bincount(bins, excess)).sum() / mass.sum())


def rmse(task: Task, truth: ndarray, predicted: Predictions, weights: RowWeights = None) -> float:
    """Return the root mean squared error of the predictions, in the unit of the target; ``weights`` is ignored."""
    return float(np.sqrt(np.mean((truth - predicted.value) ** 2)))


def _positive_classes(task: Task) -> range:
    """Return the class numbers that are scored against the rest: only the last of two classes, else all classes."""
    return range(len(task.classes) == 2, len(task.classes))


def _require_class_scores(predicted: Predictions) -> ndarray:
    if predicted.score is None:
        raise ValueError("this metric needs a score for each class, and the predictions have none")
    return predicted.score


def _mean(per_row: PerRowScores) -> Callable[[Task, ndarray, Predictions, RowWeights], float]:
    return lambda task, truth, predicted, weights: float(per_row(task, truth, predicted, weights).mean())


def _has_probabilities(predicted: Predictions) -> bool:
    """Return whether the class scores are probabilities, which are not negative and sum to one in each row."""
    score = predicted.score
    return score is not None and bool((score >= 0).all()) and np.allclose(score.sum(1), 1, atol=1e-3)


METRICS: dict[str, Metric] = {
    "accuracy": Metric("classification", "accuracy", _mean(accuracy_or_r2), accuracy_or_r2),
    "balanced_accuracy": Metric("classification", "balanced accuracy", _mean(balanced_accuracy), balanced_accuracy),
    "auroc": Metric("classification", "area under the ROC curve", _mean(auroc), auroc),
    "average_precision": Metric("classification", "average precision", average_precision),
    "log_loss": Metric("classification", "log loss", log_loss),
    "calibration_error": Metric("classification", "calibration error", calibration_error),
    "r2": Metric("regression", "R squared", _mean(accuracy_or_r2), accuracy_or_r2),
    "rmse": Metric("regression", "root mean squared error", rmse),
}
"""Metrics by name."""
NEEDS_PROBABILITIES = ("log_loss", "calibration_error")
"""Names of the metrics that need class probabilities."""
NEEDS_SCORES = ("auroc", "average_precision", *NEEDS_PROBABILITIES)
"""Names of the metrics that need a score for each class."""


def find_metric(task: Task, name: str | None = None) -> str:
    """Check the name of a metric that a verdict can use, and return it; None gives the default of the task.

    The default is ``"auroc"`` for two classes, ``"balanced_accuracy"`` for more, and ``"r2"`` (R squared) for
    regression.

    Raises
    ------
    InputError
        If the name is unknown, or the metric is for the other kind of task or is not a mean of per-row scores.
    """
    if name is None:
        if task.kind == "regression":
            return "r2"
        return "auroc" if len(task.classes) == 2 else "balanced_accuracy"
    fitting = [known for known, metric in METRICS.items() if metric.kind == task.kind and metric.per_row]
    if name not in fitting:
        raise InputError(
            f"`metric` {name}: no metric for {task.kind} on which a verdict can be given; {nearest(name, fitting)}"
        )
    return name


def all_metrics(task: Task, truth: ndarray, predicted: Predictions, weights: RowWeights = None) -> dict[str, float]:
    """Compute every metric of the task, and return the values by name, such as ``{"accuracy": 0.9, ...}``.

    AUROC and average precision are left out if the predictions have no class scores, and log loss and calibration error
    if these are not probabilities. ``truth`` holds the true targets, and ``weights`` the weights of the rows.
    """
    missing: tuple[str, ...] = () if _has_probabilities(predicted) else NEEDS_PROBABILITIES
    if predicted.score is None:
        missing = NEEDS_SCORES
    return {
        name: metric.compute(task, truth, predicted, weights)
        for name, metric in METRICS.items()
        if metric.kind == task.kind and name not in missing
    }
