"""Scores of predictions. Those that a verdict can be given on are means over rows, so that rows can be compared."""

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

Rows = Callable[[Task, ndarray, Predictions], Float64[ndarray, " n"]]


class Metric(NamedTuple):
    """A score: its kind of task, how it is computed, and how it is said."""

    kind: Kind
    words: str
    of: Callable[[Task, ndarray, Predictions], float]
    rows: Rows | None = None
    """What each row adds: the score is their mean, and its sampling variance that of their mean (to first order)."""


def plain(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """Accuracy, or R squared: see :meth:`Task.per_row_scores`."""
    return task.per_row_scores(truth, predicted.value)


def balanced_accuracy(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """The mean recall over the classes that occur."""
    hit = plain(task, truth, predicted)
    present, place, count = np.unique(truth, return_inverse=True, return_counts=True)
    recall = np.bincount(place, hit) / count
    share = len(truth) / (len(present) * count)
    return np.asarray(recall.mean() + share[place] * (hit - recall[place]))


def auroc(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """Area under the ROC curve, the mean over classes against the rest; rows are DeLong's structural components."""
    score = _needs_scores(predicted)
    parts = []
    for label in _sides(task):
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
    """Average precision, of the last class where there are two, else the mean over classes."""
    score = _needs_scores(predicted)
    present = [label for label in _sides(task) if (truth == label).any()]
    return float(np.mean([average_precision_score(truth == label, score[:, label]) for label in present or [0]]))


def rmse(task: Task, truth: ndarray, predicted: Predictions) -> float:
    """Root of the mean squared error, in the target's unit."""
    return float(np.sqrt(np.mean((truth - predicted.value) ** 2)))


def _sides(task: Task) -> range:
    """Classes to hold against the rest: of two, the last, as in scikit-learn."""
    return range(len(task.classes) == 2, len(task.classes))


def _needs_scores(predicted: Predictions) -> ndarray:
    if predicted.score is None:
        raise ValueError("this metric needs a score for each class, and the predictor gives none")
    return predicted.score


def _mean(rows: Rows) -> Callable[[Task, ndarray, Predictions], float]:
    return lambda task, truth, predicted: float(rows(task, truth, predicted).mean())


METRICS: dict[str, Metric] = {
    "accuracy": Metric("classification", "accuracy", _mean(plain), plain),
    "balanced_accuracy": Metric("classification", "balanced accuracy", _mean(balanced_accuracy), balanced_accuracy),
    "auroc": Metric("classification", "area under the ROC curve", _mean(auroc), auroc),
    "average_precision": Metric("classification", "average precision", average_precision),
    "r2": Metric("regression", "R squared", _mean(plain), plain),
    "rmse": Metric("regression", "root mean squared error", rmse),
}


def find_metric(task: Task, name: str | None = None) -> str:
    """A metric that a verdict can be given on; by default accuracy, or R squared.

    Raises
    ------
    InputError
        For a name that is not known, or not of this kind of task.
    """
    if name is None:
        return "accuracy" if task.kind == "classification" else "r2"
    fitting = [known for known, metric in METRICS.items() if metric.kind == task.kind and metric.rows]
    if name not in fitting:
        raise InputError(
            f"--metric {name}: not one for {task.kind} that a verdict can be given on; {nearest(name, fitting)}"
        )
    return name


def all_metrics(task: Task, truth: ndarray, predicted: Predictions) -> dict[str, float]:
    """Every metric of this kind of task; those that need scores for each class are left out where there are none."""
    scored = predicted.score is not None
    return {
        name: metric.of(task, truth, predicted)
        for name, metric in METRICS.items()
        if metric.kind == task.kind and (scored or name not in ("auroc", "average_precision"))
    }
