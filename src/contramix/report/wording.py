"""Format numbers and names as text for the report."""

from typing import Any

from contramix.evaluation import answers
from contramix.evaluation.metrics import METRICS
from contramix.models.labeled_records import LabelBudget

OUTCOMES = {
    "helped": ("▲", "Pre-training helped"),
    "no difference": ("■", "Pre-training made no difference"),
    "hurt": ("▼", "Pre-training hurt"),
}
"""Symbol and sentence for each outcome of a verdict."""
NOT_PERCENT = ("r2", "rmse", "log_loss")
"""Metrics that are not shown in percent."""
PROBES = {"linear": "linear probe", "knn": "nearest neighbors", "finetune": "all weights trained"}
"""Display names of probes. Other probes are shown as their name followed by "probe"."""


def score(metric: str, value: float | None) -> str:
    """Format a score as text: in percent, except for R squared, log loss and root mean squared error; ``"-"`` for None.

    Examples
    --------
    >>> score("accuracy", 0.61234), score("r2", 0.61234), score("rmse", 1234.5)
    ('61.2 %', '0.612', '1,234')
    """
    if value is None:
        return "-"
    if metric == "rmse":
        return number(value)
    return f"{value:.3f}" if metric in NOT_PERCENT else f"{100 * value:.1f} %"


def interval(metric: str, ends: tuple[float, float] | None) -> str:
    """Format the two ends of an interval of scores as text, such as ``"61.2 % to 64.0 %"``, or ``"-"`` for None.

    ``metric`` is the name of the metric, such as ``"accuracy"``.
    """
    return " to ".join(score(metric, end) for end in ends) if ends else "-"


def metric_in_words(metric: str) -> str:
    """Return the display name of a metric, such as ``"area under the ROC curve"`` for ``"auroc"``."""
    return METRICS[metric].words if metric in METRICS else metric.replace("_", " ")


def probe_in_words(probe: str) -> str:
    """Return the display name of a probe, such as ``"nearest neighbors"`` for ``"knn"``."""
    return PROBES.get(probe, f"{probe.replace('-', ' ')} probe")


def labels_in_words(budget: LabelBudget | None) -> str:
    """Return a number of labels as the text of a heading, such as ``"20 labels per class"`` or ``"All labels"``."""
    return answers.labels_in_words(budget).capitalize()


def number(value: Any) -> str:
    """Format a number as short text, such as ``"1,234"`` or ``"0.25"``; ``"-"`` for None."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def duration(seconds: float | None) -> str:
    """Format a time in seconds as text; ``"-"`` for None.

    Examples
    --------
    >>> duration(7.25), duration(754.0), duration(7300.0)
    ('7.2 s', '12 min 34 s', '2 h 1 min')
    """
    if seconds is None:
        return "-"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds) // 60
    return f"{minutes} min {int(seconds) % 60} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
