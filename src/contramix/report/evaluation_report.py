"""Validate the result of a comparison before it is shown.

The input has the format that :func:`contramix.evaluation.summary.as_json` returns.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contramix.errors import InputError
from contramix.evaluation.verdict import Outcome
from contramix.models.labeled_records import LabelBudget

Interval = tuple[float, float]
Many = Annotated[list[str], Field(default_factory=list)]


class ReportModel(BaseModel):
    """Provide the pydantic base class of the parts of a comparison's result.

    Unknown keys are ignored. NaN and infinite numbers are errors.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class LabeledModel(ReportModel):
    """Provide the base class of parts with a number of labels: per class, or in all; None in both for all labels."""

    labels_per_class: int | None = None
    labels: int | None = None

    @property
    def budget(self) -> LabelBudget | None:
        """Return the number of labels; None for all labels."""
        if self.labels_per_class is not None:
            return LabelBudget(self.labels_per_class)
        return None if self.labels is None else LabelBudget(self.labels, per_class=False)


class ReportRow(LabeledModel):
    """Validate a row of a comparison: the score of a model or baseline with one probe and one number of labels.

    Parameters
    ----------
    name, kind, probe
        Name of the model or baseline, its kind, and the name of its probe.
    mean, interval
        Mean score over repetitions, and the 95 % confidence interval of this mean.
    n
        Number of repetitions (seeds, or draws of labels).
    metrics
        Means of all metrics by name.
    seconds
        Time in seconds to compute the features (which includes pre-training) and to train and score the probe.
    """

    name: str
    kind: Literal["baseline", "pretrained"]
    probe: str
    mean: float
    interval: Interval | None = None
    n: int | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    seconds: float | None = None


class ReportComparison(LabeledModel):
    """Validate the comparison of a recipe with the best baseline at one number of labels.

    Parameters
    ----------
    outcome, against
        The outcome ("helped", "hurt" or "no difference"), and the name of the baseline.
    difference, interval
        Mean score of the recipe minus that of the baseline, and the confidence interval of this difference.
    model, baseline
        Mean scores of the recipe and of the baseline.
    """

    outcome: Outcome
    against: str
    difference: float
    interval: Interval
    model: float
    baseline: float


class ReportVerdict(ReportModel):
    """Validate the verdict on a recipe: whether its pre-training helped.

    Parameters
    ----------
    recipe, outcome
        Name of the recipe, and the outcome with all labels: "helped", "hurt" or "no difference".
    text
        Verdict in sentences.
    confidence
        Confidence level of the intervals.
    comparisons
        Comparisons with the best baseline, one for each number of labels.
    """

    recipe: str = ""
    outcome: Outcome
    text: str
    confidence: float = 0.95
    comparisons: list[ReportComparison] = Field(default_factory=list)


class ReportBest(LabeledModel):
    """Validate the best of all candidates at one number of labels; see :class:`contramix.evaluation.answers.Best`."""

    name: str
    probe: str
    mean: float
    runner_up: str
    runner_up_probe: str
    difference: float
    interval: Interval
    clear: bool


class ReportAgainstBest(LabeledModel):
    """Validate a comparison of a recipe with the best baseline without pre-training.

    The fields are those of :class:`contramix.evaluation.answers.AgainstBest`.
    """

    recipe: str
    baseline: str
    baseline_probe: str
    difference: float
    interval: Interval
    outcome: Outcome
    model: float
    baseline_mean: float


class EvaluationReport(ReportModel):
    """Validate the result of a comparison of models with baselines, as report.json holds it.

    Parameters
    ----------
    data, target
        Name of the data, and of the column that was predicted.
    metric
        Name of the metric of the scores.
    rows
        Scores of all models and baselines.
    verdict, verdicts
        Verdict on the most helpful recipe, and the verdicts on all recipes (whether pre-training helped).
    best, against_best
        Best of all candidates at each number of labels, and comparisons of each recipe with the best baseline without
        pre-training; empty in reports of version 0.1.
    advice, notes
        Sentences on what to try next, and on how the comparison was made.
    command
        Command line that made the comparison.
    """

    data: str = ""
    target: str | None = None
    metric: str
    rows: list[ReportRow]
    verdict: ReportVerdict
    verdicts: list[ReportVerdict] = Field(default_factory=list)
    best: list[ReportBest] = Field(default_factory=list)
    against_best: list[ReportAgainstBest] = Field(default_factory=list)
    advice: Many
    notes: Many
    command: str = ""


def parse_report(evaluation: dict[str, Any], where: str = "report.json") -> EvaluationReport:
    """Validate the result of a comparison, and return it as an object.

    Parameters
    ----------
    evaluation
        Result as a dictionary of plain values.
    where
        Name of the file in error messages.

    Raises
    ------
    InputError
        If the dictionary is not the result of a comparison; the message names the invalid value.
    """
    try:
        return EvaluationReport.model_validate(evaluation)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{where}: not a comparison as 'contramix evaluate' writes it ({place}: {first['msg']}); evaluate again"
        ) from error
