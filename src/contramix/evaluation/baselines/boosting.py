"""Compare with gradient-boosted trees on raw features."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.baselines.sklearn_models import predict_with
from contramix.evaluation.candidates import Candidate, probe_candidate
from contramix.evaluation.probes.choosing import choose, log_likelihoods
from contramix.evaluation.problem import PredictionProblem, Predictions, ValidationSplit
from contramix.models.task import Task
from contramix.runtime.threads import one_thread_for_few

EARLY_STOPPING_ROWS = 1000
"""Number of training rows from which the number of rounds is chosen by early stopping."""
HELD_OUT = 0.1
"""Share of the training rows on which early stopping measures the loss."""
MAX_ROUNDS = 1000
"""Maximum number of rounds with early stopping."""


class TreeSize(NamedTuple):
    """Configure the trees of gradient boosting.

    Parameters
    ----------
    leaves
        Maximum number of leaves of a tree.
    leaf_rows
        Minimum number of training rows in a leaf.
    rate
        Learning rate.
    rounds
        Number of trees (for several classes: of each class).
    """

    leaves: int
    leaf_rows: int
    rate: float
    rounds: int


SIZES = (TreeSize(2, 3, 0.05, 30), TreeSize(4, 3, 0.05, 60), TreeSize(8, 5, 0.1, 60), TreeSize(31, 20, 0.1, 100))
"""Settings to choose from. The first two learn from 40 rows; the last is scikit-learn's default."""
MIN_LEAVES = 4
"""Minimum number of leaves that the training rows could fill for a setting to be tried. A model that cannot split
predicts the shares of the classes, which is often the best log loss of 40 rows and of no use."""


def boosting(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict the test rows with scikit-learn's histogram gradient boosting.

    With fewer than 1,000 training rows, one of up to four sizes of trees is chosen on validation rows, by the
    log-likelihood of the classes or the squared error of a numeric target. With more, trees have scikit-learn's default
    size, and rounds are added until the loss on a held-out tenth of the training rows does not fall for ten rounds.
    ``z`` holds the features of all records.
    """
    task, seed = problem.task, problem.seed
    if len(problem.train) >= EARLY_STOPPING_ROWS:
        model = _fit(task, SIZES[-1], z[problem.train], problem.y, seed, stop=True)
        return predict_with(task, model, z[problem.test])._replace(chosen=f"{model.n_iter_} rounds")

    sizes = [size for size in SIZES if MIN_LEAVES * size.leaf_rows <= len(problem.train)] or SIZES[:1]

    def predict(split: ValidationSplit) -> Iterator[Predictions]:
        for size in sizes:
            model = _fit(task, size, z[split.train], split.train_y, seed)
            yield predict_with(task, model, z[split.validation])

    best = choose(problem, sizes, predict, log_likelihoods)
    model = _fit(task, best, z[problem.train], problem.y, seed)
    chosen = f"{best.leaves} leaves{problem.choice_note}"
    return predict_with(task, model, z[problem.test])._replace(chosen=chosen)


def _fit(task: Task, size: TreeSize, x: ndarray, y: ndarray, seed: int, stop: bool = False) -> Any:
    """Fit gradient boosting to training rows, with early stopping if ``stop`` is true.

    Rows whose class has no other row are left out, unless fewer than two classes would remain.
    """
    if task.kind == "classification":
        # A class with one row cannot be learned and makes boosting diverge; early stopping cannot split it either.
        single = np.bincount(y)[y] == 1
        if len(np.unique(y[~single])) > 1:
            x, y = x[~single], y[~single]
        stop = stop and len(np.unique(y)) <= HELD_OUT * len(y)  # the held-out part has a row of each class
    kind = HistGradientBoostingClassifier if task.kind == "classification" else HistGradientBoostingRegressor
    model = kind(
        learning_rate=size.rate,
        max_iter=MAX_ROUNDS if stop else size.rounds,
        max_leaf_nodes=size.leaves,
        min_samples_leaf=size.leaf_rows,
        early_stopping=stop,
        validation_fraction=HELD_OUT,
        random_state=seed,
    )
    with one_thread_for_few(len(x), "openmp"):
        return model.fit(x, y)


def make_boosting(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that fits gradient boosting on the raw features."""
    raw = inputs.raw
    return [probe_candidate("boosting", "baseline", lambda problem: raw, "boosting", boosting)]


BOOSTING = Baseline(
    "boosting",
    "histogram gradient boosting on the columns",
    "gradient-boosted trees on raw features",
    make_boosting,
    row_label="boosting on raw features",
    uses_probe=False,
)
