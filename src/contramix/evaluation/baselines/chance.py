"""Compare with predictions that do not look at the features."""

import numpy as np

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.problem import PredictionProblem, Predictions


def chance(problem: PredictionProblem) -> Predictions:
    """Predict the most frequent class of the training rows for all test rows, or their mean for a numeric target.

    The class scores of each row are the shares of the classes among the training rows.
    """
    rows = len(problem.test)
    if problem.task.kind == "regression":
        return Predictions(np.full(rows, problem.y.mean()))
    share = np.bincount(problem.y, minlength=len(problem.task.classes)) / len(problem.y)
    return Predictions(np.full(rows, share.argmax()), np.tile(share, (rows, 1)))


def make_chance(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that ignores the features."""
    return [Candidate("chance", "baseline", "chance", chance)]


CHANCE = Baseline(
    "chance",
    "the most frequent class, or the mean of a numeric target",
    "predictions that ignore the features",
    make_chance,
    uses_probe=False,
)
