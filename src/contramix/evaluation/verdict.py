"""Derive the verdict: whether pre-training helped, by how much, compared with what, and with how many labels.

Differences are paired, and intervals are corrected for the number of comparisons.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import stats

from contramix.evaluation.baselines import BASELINES
from contramix.evaluation.scoring import CONFIDENCE, Score

REFERENCES = ("raw", "untrained", "supervised")
"""Baselines that a recipe must beat with the same probe to have helped: raw features and its encoder without training,
or, if all weights are trained on the labels, the same network trained from scratch."""

Outcome = Literal["helped", "no difference", "hurt"]
OUTCOME_PHRASES: dict[Outcome, str] = {"helped": "helped", "no difference": "made no difference", "hurt": "hurt"}
"""Outcomes as the verb of a sentence."""


class Comparison(NamedTuple):
    """Compare a recipe with the better of the reference baselines, at one number of labels."""

    outcome: Outcome
    against: str
    difference: float
    interval: tuple[float, float]
    labels_per_class: int | None
    model: float
    baseline: float


class Verdict(NamedTuple):
    """Hold the verdict on a recipe; all fields but ``text`` are those of the comparison with all labels."""

    recipe: str
    outcome: Outcome
    against: str
    difference: float
    interval: tuple[float, float]
    confidence: float
    text: str
    comparisons: tuple[Comparison, ...]
    """Comparison with all labels, then those with few."""

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as plain values."""
        return {**self._asdict(), "comparisons": [c._asdict() for c in self.comparisons]}


class SeedVariance(NamedTuple):
    """Hold the variance over seeds of a difference, and its degrees of freedom."""

    variance: float
    degrees_of_freedom: int


def paired_difference(
    model: Score, baseline: Score, confidence: float = CONFIDENCE, pooled: SeedVariance | None = None
) -> tuple[float, tuple[float, float]]:
    """Return the mean difference of two scores on the same splits and labels, and its interval.

    It is a paired t interval. Its variance is the sum of two terms. The first is the variance of the mean over the
    finite test rows (differences by row, averaged over seeds if the test rows are the same). The second is the variance
    over seeds (draws of labels, splits, pre-training). The degrees of freedom of the sum are Satterthwaite's. If splits
    are drawn for each seed, rows count in both terms; this widens the interval, which is right because training rows
    of the splits overlap.

    Parameters
    ----------
    model, baseline
        Scores to compare.
    confidence
        Confidence level of the interval.
    pooled
        Mean variance over seeds of several recipes; it is used where it is larger than that of this pair.
    """
    differences = [a - b for a, b in zip(model.per_row_scores, baseline.per_row_scores)]
    each = np.array([d.mean() for d in differences])
    same_rows = all(np.array_equal(rows, model.test_rows[0]) for rows in model.test_rows)
    by_row = np.mean(differences, axis=0) if same_rows else differences[0]
    terms = [(by_row.var(ddof=1) / len(by_row), len(by_row) - 1)]
    if len(each) > 1:
        own = SeedVariance(float(each.var(ddof=1)), len(each) - 1)
        by_seed = own if pooled is None else SeedVariance(max(own.variance, pooled.variance), pooled.degrees_of_freedom)
        terms.append((by_seed.variance / len(each), by_seed.degrees_of_freedom))
    variance = sum(v for v, _ in terms)
    freedom = variance**2 / sum(v**2 / f for v, f in terms) if variance > 0 else 1
    half = float(stats.t.ppf((1 + confidence) / 2, freedom) * np.sqrt(variance))
    mean = float(each.mean())
    return mean, (mean - half, mean + half)


def _pooled(pairs: Sequence[tuple[Score, Score]]) -> SeedVariance | None:
    """Return the mean variance over seeds of the differences from a baseline; None for one seed."""
    each = [model.per_seed - baseline.per_seed for model, baseline in pairs]
    if len(each[0]) < 2:
        return None
    return SeedVariance(float(np.mean([e.var(ddof=1) for e in each])), len(each) * (len(each[0]) - 1))


def derive_verdicts(
    scores: Sequence[Score], recipes: Sequence[str], probe: str = "linear", picked: str = ""
) -> list[Verdict]:
    """Return a verdict on each recipe, the most helpful recipe first.

    Each recipe is compared with the better of the reference baselines with the same probe, with all labels and with
    few. Intervals have a Bonferroni correction over recipes and references: among all comparisons at one number of
    labels, the chance to report any difference where there is none is at most 5 %.

    Parameters
    ----------
    scores
        Scores of all candidates.
    recipes
        Names of the candidates on which a verdict is given.
    probe
        Name of the probe whose scores are compared.
    picked
        Text to put after the name of the probe, to say how it chose its settings.
    """
    cells = {(s.name, s.probe, s.labels_per_class): s for s in scores}
    budgets = sorted({s.labels_per_class for s in scores if s.labels_per_class}, reverse=True)
    references = [name for name in REFERENCES if (name, probe, None) in cells]
    confidence = 1 - (1 - CONFIDENCE) / (len(recipes) * len(references))
    compared: dict[str, list[Comparison]] = {recipe: [] for recipe in recipes}
    for labels in (None, *budgets):
        there = [cells[name, probe, labels] for name in references if (name, probe, labels) in cells]
        mine = [cells[recipe, probe, labels] for recipe in recipes if (recipe, probe, labels) in cells]
        if not there or not mine:
            continue
        best = max(there, key=lambda s: s.mean)
        pooled = _pooled([(model, best) for model in mine])
        for model in mine:
            compared[model.name].append(_compare(model, best, confidence, pooled))
    baselines = [s for s in scores if s.kind == "baseline"]
    verdicts = []
    for recipe, found in compared.items():
        main = found[0]
        text = _in_words(recipe, f"{probe} probe{picked}", found, confidence, baselines)
        verdicts.append(
            Verdict(recipe, main.outcome, main.against, main.difference, main.interval, confidence, text, tuple(found))
        )
    return sorted(verdicts, key=lambda v: -v.difference)


def _compare(model: Score, baseline: Score, confidence: float, pooled: SeedVariance | None) -> Comparison:
    difference, interval = paired_difference(model, baseline, confidence, pooled)
    outcome: Outcome = "helped" if interval[0] > 0 else "hurt" if interval[1] < 0 else "no difference"
    return Comparison(outcome, baseline.name, difference, interval, model.labels_per_class, model.mean, baseline.mean)


def _in_words(
    recipe: str, probe: str, compared: Sequence[Comparison], confidence: float, baselines: Sequence[Score]
) -> str:
    main, *few = compared
    sentences = [
        f"Pre-training ({recipe}) {OUTCOME_PHRASES[main.outcome]} here: {_points(main.difference)} against a {probe} "
        f"on {describe_baseline(main.against)} ({100 * confidence:.4g} % interval {_points(main.interval[0])} to "
        f"{_points(main.interval[1])}), {main.model:.3f} compared with {main.baseline:.3f}."
    ]
    for c in few:
        low, high = c.interval
        sentences.append(
            f"With {c.labels_per_class} labels per class it {OUTCOME_PHRASES[c.outcome]}: {_points(c.difference)} "
            f"({_points(low)} to {_points(high)}), {c.model:.3f} compared with {c.baseline:.3f} for "
            f"{describe_baseline(c.against)}."
        )
    better = [s for s in baselines if s.labels_per_class is None and s.mean > main.model]
    if better:
        best = max(better, key=lambda s: s.mean)
        how = "" if best.probe in (best.name, "finetune") else f" with {best.probe}"
        sentences.append(f"With all labels {describe_baseline(best.name)}{how} reach {best.mean:.3f}, which is better.")
    else:
        sentences.append("No baseline does better.")
    return " ".join(sentences)


def describe_baseline(name: str) -> str:
    """Return a baseline as the plural subject or object of a sentence."""
    return BASELINES[name].plural if name in BASELINES else f"features of {name}"


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"
