"""Check the result of a comparison, as :func:`contramix.evaluation.summary.as_json` makes it, before it is shown."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contramix.errors import InputError
from contramix.evaluation.verdict import Outcome

Interval = tuple[float, float]
Many = Annotated[list[str], Field(default_factory=list)]


class ReportModel(BaseModel):
    """Validate a part of a comparison; further keys are ignored, and NaN is refused."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class ReportRow(ReportModel):
    """Hold the score of a candidate with one probe and one number of labels."""

    name: str
    kind: Literal["baseline", "pretrained"]
    probe: str
    labels_per_class: int | None = None
    mean: float
    interval: Interval | None = None
    n: int | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    seconds: float | None = None


class ReportComparison(ReportModel):
    """Compare a recipe with a baseline at one number of labels."""

    outcome: Outcome
    against: str
    difference: float
    interval: Interval
    labels_per_class: int | None = None
    model: float
    baseline: float


class ReportVerdict(ReportModel):
    """Hold the verdict on a recipe."""

    recipe: str = ""
    outcome: Outcome
    text: str
    confidence: float = 0.95
    comparisons: list[ReportComparison] = Field(default_factory=list)


class EvaluationReport(ReportModel):
    """Hold a comparison."""

    data: str = ""
    target: str | None = None
    metric: str
    rows: list[ReportRow]
    verdict: ReportVerdict
    verdicts: list[ReportVerdict] = Field(default_factory=list)
    advice: Many
    notes: Many
    command: str = ""


def parse_report(evaluation: dict[str, Any], where: str = "report.json") -> EvaluationReport:
    """Return a comparison as validated values.

    Parameters
    ----------
    evaluation
        Comparison as plain values.
    where
        Name of the file in error messages.

    Raises
    ------
    InputError
        If it is not a comparison; the message names the wrong value.
    """
    try:
        return EvaluationReport.model_validate(evaluation)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{where}: not a comparison as 'contramix evaluate' writes it ({place}: {first['msg']}); evaluate again"
        ) from error
