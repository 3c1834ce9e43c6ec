"""Compare with gradient-boosted trees on raw features."""

import numpy as np
from numpy import ndarray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.baselines.sklearn_models import predict_with
from contramix.evaluation.candidates import Candidate, probe_candidate
from contramix.evaluation.problem import PredictionProblem, Predictions


def boosting(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict the test rows with scikit-learn's histogram gradient boosting and its default settings.

    ``z`` holds the features of all records. Training rows whose class has no other training row are left out, unless
    fewer than two classes would remain.
    """
    train, y = z[problem.train], problem.y
    if problem.task.kind == "regression":
        model = HistGradientBoostingRegressor(random_state=problem.seed).fit(train, y)
        return predict_with(problem.task, model, z[problem.test])
    # A class with one row cannot be learned and makes boosting diverge. Where rows are held out to stop early (beyond
    # 10,000 rows), it cannot be split either. Such rows are left out unless they are all there is.
    single = np.bincount(y)[y] == 1
    if len(np.unique(y[~single])) > 1:
        train, y = train[~single], y[~single]
    model = HistGradientBoostingClassifier(random_state=problem.seed).fit(train, y)
    return predict_with(problem.task, model, z[problem.test])


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
