"""The verdict, in plain words: did pre-training help, by how much, against what."""

from typing import Literal, NamedTuple

import numpy as np
from scipy import stats

from contramix.evaluation.protocol import Score

CONFIDENCE = 0.95


class Verdict(NamedTuple):
    """Whether a model's features beat a baseline's."""

    outcome: Literal["helped", "no difference", "hurt"]
    against: str
    difference: float
    interval: tuple[float, float]
    text: str


def paired(model: Score, baseline: Score) -> tuple[float, tuple[float, float]]:
    """Mean difference of two scores of the same splits and labels, and its 95 % interval.

    Its variance adds what comes from the finite test part (differences row by row, averaged over seeds where the
    part is the same) and what comes from seeds (labels drawn, splits); the degrees of freedom of the sum are
    Satterthwaite's.
    """
    differences = [a - b for a, b in zip(model.contributions, baseline.contributions)]
    each = np.array([d.mean() for d in differences])
    same_part = all(np.array_equal(rows, model.test_rows[0]) for rows in model.test_rows)
    by_row = np.mean(differences, axis=0) if same_part else differences[0]
    parts = [(by_row.var(ddof=1) / len(by_row), len(by_row) - 1)]
    if len(each) > 1:
        parts.append((each.var(ddof=1) / len(each), len(each) - 1))
    variance = sum(v for v, _ in parts)
    freedom = variance**2 / sum(v**2 / f for v, f in parts) if variance > 0 else 1
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(variance))
    mean = float(each.mean())
    return mean, (mean - half, mean + half)


def judge(scores: list[Score], name: str, against: str = "raw", probe: str = "linear") -> Verdict:
    """Compare a model with a baseline under the same probe and all labels, and say what the other baselines reach."""
    cells = {(s.name, s.probe, s.labels_per_class): s for s in scores}
    model, baseline = cells[name, probe, None], cells[against, probe, None]
    difference, interval = paired(model, baseline)
    outcome: Literal["helped", "no difference", "hurt"] = "no difference"
    if interval[0] > 0:
        outcome = "helped"
    elif interval[1] < 0:
        outcome = "hurt"
    words = {"helped": "helped here", "no difference": "made no difference here", "hurt": "hurt here"}
    text = (
        f"Pre-training ({name}) {words[outcome]}: {_points(difference)} against a {probe} probe on raw features "
        f"(95 % interval {_points(interval[0])} to {_points(interval[1])}), "
        f"{model.mean:.3f} beside {baseline.mean:.3f}."
    )
    return Verdict(outcome, against, difference, interval, " ".join([text, *_better(scores, model)]))


def _better(scores: list[Score], model: Score) -> list[str]:
    """Plain baselines that do better than the model with all labels."""
    plain = [s for s in scores if s.kind == "baseline" and s.labels_per_class is None and s.mean > model.mean]
    if not plain:
        return ["No plain baseline does better."]
    best = max(plain, key=lambda s: s.mean)
    what = {
        "trees": "extremely randomised trees on raw features do",
        "boosting": "gradient boosting on raw features does",
        "untrained": "the same encoder without training does",
        "raw": "raw features do",
    }.get(best.name, f"{best.name} does")
    how = f" with {best.probe}" if best.name in ("raw", "untrained") else ""
    return [f"With all labels {what} better still{how}: {best.mean:.3f}. To predict this target, use that."]


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"
