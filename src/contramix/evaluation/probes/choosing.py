"""Choose a setting of a probe by its predictions for validation rows."""

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
    """Return the option with the best score on validation rows; ties go to the first.

    Parameters
    ----------
    problem
        Problem with the training rows.
    options
        Settings to choose from.
    predict
        Function that trains on the training rows of a validation split, and yields predictions for its validation rows,
        one array for each option.
    stop_when_worse
        Whether to stop at the first option that is worse than the best before it.
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
