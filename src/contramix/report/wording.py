"""Numbers and names as the report says them."""

from typing import Any

from contramix.evaluation.metrics import METRICS

OUTCOMES = {
    "helped": ("▲", "Pre-training helped"),
    "no difference": ("■", "Pre-training made no difference"),
    "hurt": ("▼", "Pre-training hurt"),
}
"""A sign and a sentence for each outcome of a verdict."""
AS_THEY_ARE = ("r2", "rmse")
"""Metrics that are no shares of a hundred."""
PROBES = {"linear": "linear probe", "knn": "nearest neighbours", "finetune": "all weights trained"}


def score(metric: str, value: float | None) -> str:
    """A score: shares in percent, all else as it is.

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
    """The ends of an interval of scores."""
    return " to ".join(score(metric, end) for end in ends) if ends else "-"


def metric_in_words(metric: str) -> str:
    """A metric's name."""
    return METRICS[metric].words if metric in METRICS else metric.replace("_", " ")


def probe_in_words(probe: str) -> str:
    """How predictions were made from the features."""
    return PROBES.get(probe, f"{probe.replace('-', ' ')} probe")


def labels_in_words(budget: int | None) -> str:
    """How many labels were given."""
    return "All labels" if budget is None else f"{budget:,} labels a class"


def number(value: Any) -> str:
    """A number of any size, short."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.4g}"


def points(difference: float) -> str:
    """A difference of shares.

    Examples
    --------
    >>> points(0.0312)
    '+3.1 points'
    """
    return f"{100 * difference:+.1f} points"


def duration(seconds: float | None) -> str:
    """A time.

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
