"""How every probe chooses a setting: by its predictions of rows that are held out."""

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
    """The option whose predictions of held-out rows score best; the first of equals.

    Parameters
    ----------
    options
        What there is to choose from.
    predict
        From rows to fit on and rows to predict, the predictions for each option in turn.
    stop_when_worse
        Look no further once an option is worse than the best before it.
    """
    if len(options) == 1:
        return options[0]
    parts = problem.validation_splits()
    best, best_score = options[0], -np.inf
    for option, predicted in zip(options, zip(*(predict(part) for part in parts))):
        hits = [problem.task.per_row_scores(part.validation_y, value) for part, value in zip(parts, predicted)]
        score = float(np.concatenate(hits).mean())
        if score > best_score:
            best, best_score = option, score
        elif score < best_score and stop_when_worse:
            break
    return best
