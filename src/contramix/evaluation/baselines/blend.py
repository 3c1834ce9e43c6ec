"""Compare with the mean of the predictions of linear models and a random forest on raw features."""

from numpy import ndarray

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.baselines.raw import quantile_features
from contramix.evaluation.baselines.trees import forest
from contramix.evaluation.candidates import Candidate, mean_predictions
from contramix.evaluation.probes.linear import linear
from contramix.evaluation.problem import PredictionProblem, Predictions


def make_blend(inputs: BaselineInputs) -> list[Candidate]:
    """Build the baseline candidate that averages linear models and a random forest on the raw features.

    There is a linear model on the raw features and, for tables, a second one on columns whose numbers are
    mapped to normal quantiles.
    """
    raw = inputs.raw
    quantiles = quantile_features(inputs) if inputs.recipe.domain == "table" else None

    def predict(problem: PredictionProblem) -> Predictions:
        blocks: list[ndarray] = [raw] if quantiles is None else [raw, quantiles(problem)]
        parts = [*(linear(problem, z) for z in blocks), forest(problem, raw)]
        return mean_predictions(problem.task, parts)

    return [Candidate("blend", "baseline", "blend", predict)]


BLEND = Baseline(
    "blend",
    "the mean of the predictions of linear models and a forest on the columns",
    "the mean of linear models and a forest on raw features",
    make_blend,
    row_label="blend on raw features",
    uses_probe=False,
)
