"""Compare with extremely randomized trees on raw features."""

from numpy import ndarray
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.baselines.sklearn_models import predict_with
from contramix.evaluation.candidates import Candidate, probe_candidate
from contramix.evaluation.problem import PredictionProblem, Predictions


def trees(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict the test rows with 300 extremely randomized trees; other settings are scikit-learn's defaults.

    ``z`` holds the features of all records.
    """
    kind = ExtraTreesClassifier if problem.task.kind == "classification" else ExtraTreesRegressor
    model = kind(n_estimators=300, n_jobs=-1, random_state=problem.seed).fit(z[problem.train], problem.y)
    return predict_with(problem.task, model, z[problem.test])


def make_trees(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that fits extremely randomized trees on the raw features."""
    raw = inputs.raw
    return [probe_candidate("trees", "baseline", lambda problem: raw, "trees", trees)]


TREES = Baseline(
    "trees",
    "extremely randomized trees on the columns",
    "extremely randomized trees on raw features",
    make_trees,
    row_label="trees on raw features",
    uses_probe=False,
)
