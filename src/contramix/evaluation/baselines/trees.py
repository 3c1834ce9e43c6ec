"""Compare with random forests and extremely randomized trees on raw features."""

from collections.abc import Callable
from typing import Any

from numpy import ndarray

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.baselines.sklearn_models import predict_with
from contramix.evaluation.candidates import Candidate, probe_candidate
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.models.task import Task
from contramix.predictors import trees as ensembles

TREES = 300
"""Number of trees of an ensemble."""
PARALLEL_ROWS = 1000
"""Number of training rows from which trees are grown on all processor cores; with fewer, starting threads takes longer
than it saves."""


def forest(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict the test rows with a random forest of 300 trees; other settings are scikit-learn's defaults.

    ``z`` holds the features of all records.
    """
    return _predict(problem, z, ensembles.forest)


def extra_trees(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict the test rows with 300 extremely randomized trees; other settings are scikit-learn's defaults.

    ``z`` holds the features of all records.
    """
    return _predict(problem, z, ensembles.extra_trees)


def _predict(problem: PredictionProblem, z: ndarray, make: Callable[[Task, int, int], Any]) -> Predictions:
    model = make(problem.task, TREES, problem.seed)
    model.set_params(n_jobs=-1 if len(problem.train) >= PARALLEL_ROWS else 1)
    return predict_with(problem.task, model.fit(z[problem.train], problem.y), z[problem.test])


def make_forest(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that fits a random forest on the raw features."""
    raw = inputs.raw
    return [probe_candidate("forest", "baseline", lambda problem: raw, "forest", forest)]


def make_trees(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that fits extremely randomized trees on the raw features."""
    raw = inputs.raw
    return [probe_candidate("trees", "baseline", lambda problem: raw, "trees", extra_trees)]


FOREST = Baseline(
    "forest",
    "a random forest on the columns",
    "random forests on raw features",
    make_forest,
    row_label="forest on raw features",
    uses_probe=False,
)
EXTRA_TREES = Baseline(
    "trees",
    "extremely randomized trees on the columns",
    "extremely randomized trees on raw features",
    make_trees,
    row_label="trees on raw features",
    uses_probe=False,
)
