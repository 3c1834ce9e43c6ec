"""Choose a setting of a probe by the score of its predictions for validation rows."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from contramix.evaluation.problem import PredictionProblem, Predictions, ValidationSplit
from contramix.models.task import Task

T = TypeVar("T")
RARE = 1e-6
"""Smallest probability that the log-likelihood counts, so that one surprising row does not decide alone."""


def hits(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """Score the prediction of each row: 1 if the predicted class is right, else 0.

    For a numeric target the score is ``1 - error^2 / variance``, where ``variance`` is that of the true targets.
    """
    return task.per_row_scores(truth, predicted.value)


def log_likelihoods(task: Task, truth: ndarray, predicted: Predictions) -> Float64[ndarray, " n"]:
    """Return the logarithm of the probability that the predictions give to the true class of each row.

    Probabilities below 1e-6 count as 1e-6. For a numeric target, or without class scores, the scores of :func:`hits`
    are returned.
    """
    if predicted.score is None:
        return hits(task, truth, predicted)
    return np.asarray(np.log(np.maximum(predicted.score[np.arange(len(truth)), truth], RARE)))


def choose(
    problem: PredictionProblem,
    options: Sequence[T],
    predict: Callable[[ValidationSplit], Iterable[Predictions]],
    score: Callable[[Task, ndarray, Predictions], ndarray] = hits,
    stop_when_worse: bool = False,
) -> T:
    """Return the setting whose predictions for validation rows score best; on ties, the first one.

    Parameters
    ----------
    problem
        Problem that provides the validation splits.
    options
        Settings to choose from.
    predict
        Function that takes a validation split, trains on its training rows, and yields predictions for its validation
        rows: one for each setting, in the order of ``options``.
    score
        Function of task, true targets and predictions that returns one score for each row. The setting with the highest
        mean score over the rows of all validation splits is chosen.
    stop_when_worse
        Whether to stop at the first setting that scores worse than the best one before it.
    """
    if len(options) == 1:
        return options[0]
    splits = problem.validation_splits()
    best, best_score = options[0], -np.inf
    for option, predicted in zip(options, zip(*(predict(split) for split in splits))):
        each = [score(problem.task, split.validation_y, value) for split, value in zip(splits, predicted)]
        mean = float(np.concatenate(each).mean())
        if mean > best_score:
            best, best_score = option, mean
        elif mean < best_score and stop_when_worse:
            break
    return best
