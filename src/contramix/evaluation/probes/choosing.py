"""Choose a setting of a probe by the score of its predictions for validation rows."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy import ndarray

from contramix.evaluation.problem import PredictionProblem, ValidationSplit

T = TypeVar("T")


def choose(
    problem: PredictionProblem,
    options: Sequence[T],
    predict: Callable[[ValidationSplit], Iterable[ndarray]],
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
        rows: one array for each setting, in the order of ``options``.
    stop_when_worse
        Whether to stop at the first setting that scores worse than the best one before it.
    """
    if len(options) == 1:
        return options[0]
    splits = problem.validation_splits()
    best, best_score = options[0], -np.inf
    for option, predicted in zip(options, zip(*(predict(split) for split in splits))):
        hits = [problem.task.per_row_scores(split.validation_y, value) for split, value in zip(splits, predicted)]
        score = float(np.concatenate(hits).mean())
        if score > best_score:
            best, best_score = option, score
        elif score < best_score and stop_when_worse:
            break
    return best
