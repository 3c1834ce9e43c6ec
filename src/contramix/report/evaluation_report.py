"""What a report takes from a comparison: the dict that :func:`contramix.evaluation.summary.as_json` makes, checked."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contramix.errors import InputError

Outcome = Literal["helped", "no difference", "hurt"]
Interval = tuple[float, float]
Many = Annotated[list[str], Field(default_factory=list)]


class ReportModel(BaseModel):
    """More keys are welcome; NaN is not."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class ReportRow(ReportModel):
    """One candidate with one probe and one number of labels."""

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
    """A recipe against a baseline at one number of labels."""

    outcome: Outcome
    against: str
    difference: float
    interval: Interval
    labels_per_class: int | None = None
    model: float
    baseline: float


class ReportVerdict(ReportModel):
    """What is said of a recipe."""

    recipe: str = ""
    outcome: Outcome
    text: str
    confidence: float = 0.95
    comparisons: list[ReportComparison] = Field(default_factory=list)


class EvaluationReport(ReportModel):
    """A comparison."""

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
    """A comparison as checked values.

    Raises
    ------
    InputError
        If it is not one; the message names what is wrong.
    """
    try:
        return EvaluationReport.model_validate(evaluation)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{where}: not a comparison as 'contramix evaluate' writes it ({place}: {first['msg']}); evaluate anew"
        ) from error
