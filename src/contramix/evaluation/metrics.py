"""Compute metrics of predictions. Metrics of a verdict are means over rows, so that models are compared by row."""

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
    """Describe a metric: the kind of task it is for, its name in sentences, and how it is computed."""

    kind: Kind
    words: str
    compute: Callable[[Task, ndarray, Predictions], float]
    per_row: PerRowScores | None = None
    """Score of each row, for metrics that are means over rows. The sampling variance of the metric is that of the mean
    of the scores (to first order)."""


def accuracy_or_r2(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """Return the accuracy or R squared of each row; see :meth:`Task.per_row_scores`."""
    return task.per_row_scores(truth, predicted.value)


def balanced_accuracy(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """Return per-row scores whose mean is the mean recall of the classes that occur."""
    hit = accuracy_or_r2(task, truth, predicted)
    present, position, count = np.unique(truth, return_inverse=True, return_counts=True)
    recall = np.bincount(position, hit) / count
    share = len(truth) / (len(present) * count)
    return np.asarray(recall.mean() + share[position] * (hit - recall[position]))


def auroc(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """Return per-row scores whose mean is the area under the ROC curve, averaged over classes against the rest.

    They are DeLong's structural components.
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
    """Return the average precision of the last of two classes, or the mean over more classes."""
    score = _require_class_scores(predicted)
    present = [label for label in _positive_classes(task) if (truth == label).any()]
    return float(np.mean([average_precision_score(truth == label, score[:, label]) for label in present or [0]]))


def rmse(task: Task, truth: ndarray, predicted: Predictions) -> float:
    """Return the root of the mean squared error, in the unit of the target."""
    return float(np.sqrt(np.mean((truth - predicted.value) ** 2)))


def _positive_classes(task: Task) -> range:
    """Return the classes that are compared with the rest: with two classes only the last one, as in scikit-learn."""
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
    """Return the name of a metric on which a verdict can be given; by default accuracy or R squared.

    Raises
    ------
    InputError
        If the name is not known, or the metric is not for this kind of task.
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
    """Return every metric of this kind of task; metrics of class scores are left out where there are no scores."""
    scored = predicted.score is not None
    return {
        name: metric.compute(task, truth, predicted)
        for name, metric in METRICS.items()
        if metric.kind == task.kind and (scored or name not in ("auroc", "average_precision"))
    }
