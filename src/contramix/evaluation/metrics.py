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

PerRowScores = Callable[[Task, ndarray, Predictions], Float64[ndarray, " n"]]


class Metric(NamedTuple):
    """Describe a metric: its kind of task, its display name, and the functions that compute it.

    Parameters
    ----------
    kind
        Kind of task: ``"classification"`` or ``"regression"``.
    words
        Display name, such as ``"area under the ROC curve"``.
    compute
        Function of task, true targets and predictions that returns the metric.
    per_row
        Function with the same arguments that returns one score per row. The mean of the scores is the metric, and the
        variance of this mean approximates the sampling variance of the metric. None if there are no such scores.
    """

    kind: Kind
    words: str
    compute: Callable[[Task, ndarray, Predictions], float]
    per_row: PerRowScores | None = None


def accuracy_or_r2(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """Return per-row scores whose mean is the accuracy (classification) or R squared (regression).

    In classification a row scores 1 if the predicted class is right, else 0. In regression it scores
    ``1 - error^2 / variance``, where ``variance`` is that of the true targets.
    """
    return task.per_row_scores(truth, predicted.value)


def balanced_accuracy(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """Return per-row scores whose mean is the balanced accuracy: the recall averaged over the classes that occur.

    Rows of rare classes have larger weights, so a score can be outside the range from 0 to 1.
    """
    hit = accuracy_or_r2(task, truth, predicted)
    present, position, count = np.unique(truth, return_inverse=True, return_counts=True)
    recall = np.bincount(position, hit) / count
    share = len(truth) / (len(present) * count)
    return np.asarray(recall.mean() + share[position] * (hit - recall[position]))


def auroc(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """Return per-row scores whose mean is the area under the ROC curve (AUROC).

    With more than two classes, the area is averaged over classes, each against the rest. The scores are DeLong's
    structural components, from which the variance of the area is estimated.
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


def average_precision(task: Task, truth: ndarray, predicted: Predictions) -> float:
    """Return the average precision; with more than two classes, the mean over classes (one against the rest).

    With two classes, the last one is the positive class.
    """
    score = _require_class_scores(predicted)
    present = [label for label in _positive_classes(task) if (truth == label).any()]
    return float(np.mean([average_precision_score(truth == label, score[:, label]) for label in present or [0]]))


def rmse(task: Task, truth: ndarray, predicted: Predictions) -> float:
    """Return the root mean squared error of the predictions, in the unit of the target."""
    return float(np.sqrt(np.mean((truth - predicted.value) ** 2)))


def _positive_classes(task: Task) -> range:
    """Return the class numbers that are scored against the rest: only the last of two classes, else all classes."""
    return range(len(task.classes) == 2, len(task.classes))


def _require_class_scores(predicted: Predictions) -> ndarray:
    if predicted.score is None:
        raise ValueError("this metric needs a score for each class, and the predictions have none")
    return predicted.score


def _mean(per_row: PerRowScores) -> Callable[[Task, ndarray, Predictions], float]:
    return lambda task, truth, predicted: float(per_row(task, truth, predicted).mean())


METRICS: dict[str, Metric] = {
    "accuracy": Metric("classification", "accuracy", _mean(accuracy_or_r2), accuracy_or_r2),
    "balanced_accuracy": Metric("classification", "balanced accuracy", _mean(balanced_accuracy), balanced_accuracy),
    "auroc": Metric("classification", "area under the ROC curve", _mean(auroc), auroc),
    "average_precision": Metric("classification", "average precision", average_precision),
    "r2": Metric("regression", "R squared", _mean(accuracy_or_r2), accuracy_or_r2),
    "rmse": Metric("regression", "root mean squared error", rmse),
}
"""Metrics by name."""


def find_metric(task: Task, name: str | None = None) -> str:
    """Check the name of a metric that a verdict can use, and return it; None gives the default of the task.

    The default is ``"accuracy"`` for classification and ``"r2"`` (R squared) for regression.

    Raises
    ------
    InputError
        If the name is unknown, or the metric is for the other kind of task or is not a mean of per-row scores.
    """
    if name is None:
        return "accuracy" if task.kind == "classification" else "r2"
    fitting = [known for known, metric in METRICS.items() if metric.kind == task.kind and metric.per_row]
    if name not in fitting:
        raise InputError(
            f"`metric` {name}: no metric for {task.kind} on which a verdict can be given; {nearest(name, fitting)}"
        )
    return name


def all_metrics(task: Task, truth: ndarray, predicted: Predictions) -> dict[str, float]:
    """Compute every metric of the task, and return the values by name, such as ``{"accuracy": 0.9, ...}``.

    AUROC and average precision are left out if the predictions have no class scores. ``truth`` holds the true targets.
    """
    scored = predicted.score is not None
    return {
        name: metric.compute(task, truth, predicted)
        for name, metric in METRICS.items()
        if metric.kind == task.kind and (scored or name not in ("auroc", "average_precision"))
    }
