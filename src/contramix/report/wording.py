"""Convert numbers and names to the text of the report."""

from typing import Any

from contramix.evaluation.metrics import METRICS

OUTCOMES = {
    "helped": ("▲", "Pre-training helped"),
    "no difference": ("■", "Pre-training made no difference"),
    "hurt": ("▼", "Pre-training hurt"),
}
"""Sign and sentence of each outcome of a verdict."""
NOT_PERCENT = ("r2", "rmse")
"""Metrics that are not shown in percent."""
PROBES = {"linear": "linear probe", "knn": "nearest neighbors", "finetune": "all weights trained"}
"""Names of probes in the report; others are named after the probe."""


def score(metric: str, value: float | None) -> str:
    """Return a score as text, in percent unless it is R squared or an error.

    Examples
    --------
    >>> score("accuracy", 0.61234), score("r2", 0.61234), score("rmse", 1234.5)
    ('61.2 %', '0.612', '1,234')
    """
    if value is None:
        return "-"
    if metric == "rmse":
        return number(value)
    return f"{value:.3f}" if metric == "r2" else f"{100 * value:.1f} %"


def interval(metric: str, ends: tuple[float, float] | None) -> str:
    """Return the ends of an interval of scores as text."""
    return " to ".join(score(metric, end) for end in ends) if ends else "-"


def metric_in_words(metric: str) -> str:
    """Return the name of a metric."""
    return METRICS[metric].words if metric in METRICS else metric.replace("_", " ")


def probe_in_words(probe: str) -> str:
    """Return the name of a probe."""
    return PROBES.get(probe, f"{probe.replace('-', ' ')} probe")


def labels_in_words(budget: int | None) -> str:
    """Return the number of labels as text."""
    return "All labels" if budget is None else f"{budget:,} labels per class"


def number(value: Any) -> str:
    """Return a number as short text."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def points(difference: float) -> str:
    """Return a difference of two shares in percentage points.

    Examples
    --------
    >>> points(0.0312)
    '+3.1 points'
    """
    return f"{100 * difference:+.1f} points"


def duration(seconds: float | None) -> str:
    """Return a time in seconds as text.

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
