"""The verdict: did pre-training help, by how much, against what, at how many labels. Paired, and corrected for how many
comparisons are made."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import stats

from contramix.evaluation.protocol import CONFIDENCE, Score

REFERENCES = ("raw", "untrained", "supervised")
"""What a recipe must beat under the same probe to have helped: the columns as they are and its encoder untrained, or,
where all weights are trained on the labels, the same network from scratch."""

Outcome = Literal["helped", "no difference", "hurt"]
IN_WORDS: dict[Outcome, str] = {"helped": "helped", "no difference": "made no difference", "hurt": "hurt"}


class Comparison(NamedTuple):
    """A recipe against the better of the references, at one number of labels."""

    outcome: Outcome
    against: str
    difference: float
    interval: tuple[float, float]
    labels_per_class: int | None
    model: float
    baseline: float


class Verdict(NamedTuple):
    """What is said of a recipe."""

    recipe: str
    outcome: Outcome
    against: str
    difference: float
    interval: tuple[float, float]
    confidence: float
    text: str
    comparisons: tuple[Comparison, ...]
    """With all labels first, then with few."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**self._asdict(), "comparisons": [c._asdict() for c in self.comparisons]}


class Spread(NamedTuple):
    """How much a difference varies from seed to seed, known from several recipes."""

    variance: float
    freedom: int


def paired_difference(
    model: Score, baseline: Score, confidence: float = CONFIDENCE, pooled: Spread | None = None
) -> tuple[float, tuple[float, float]]:
    """Mean difference of two scores of the same splits and labels, and its interval.

    A paired t interval. Its variance adds what comes from the finite test part (differences row by row, averaged over
    seeds where the part is the same) and what comes from seeds (labels drawn, splits, pre-training): of this pair, or
    what several recipes have on average if that is more. The degrees of freedom of the sum are Satterthwaite's. Where
    splits are drawn anew, rows count in both terms, which widens the interval, as overlapping training parts ask for.
    """
    differences = [a - b for a, b in zip(model.per_row_scores, baseline.per_row_scores)]
    each = np.array([d.mean() for d in differences])
    same_part = all(np.array_equal(rows, model.test_rows[0]) for rows in model.test_rows)
    by_row = np.mean(differences, axis=0) if same_part else differences[0]
    parts = [(by_row.var(ddof=1) / len(by_row), len(by_row) - 1)]
    if len(each) > 1:
        own = Spread(float(each.var(ddof=1)), len(each) - 1)
        by_seed = own if pooled is None else Spread(max(own.variance, pooled.variance), pooled.freedom)
        parts.append((by_seed.variance / len(each), by_seed.freedom))
    variance = sum(v for v, _ in parts)
    freedom = variance**2 / sum(v**2 / f for v, f in parts) if variance > 0 else 1
    half = float(stats.t.ppf((1 + confidence) / 2, freedom) * np.sqrt(variance))
    mean = float(each.mean())
    return mean, (mean - half, mean + half)


def _pooled(pairs: Sequence[tuple[Score, Score]]) -> Spread | None:
    """The variance over seeds that differences to the baseline have on average."""
    each = [model.each - baseline.each for model, baseline in pairs]
    if len(each[0]) < 2:
        return None
    return Spread(float(np.mean([e.var(ddof=1) for e in each])), len(each) * (len(each[0]) - 1))


def derive_verdicts(
    scores: Sequence[Score], recipes: Sequence[str], probe: str = "linear", picked: str = ""
) -> list[Verdict]:
    """A verdict on each recipe, most helpful first.

    Each recipe is compared with the better of the references under the same probe, with all labels and with few. The
    intervals are widened as Bonferroni says, over recipes and references: in all comparisons at a number of labels
    together, a difference is claimed where there is none in at most one case of 20. ``picked`` is said behind the
    probe's name.
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


def _compare(model: Score, baseline: Score, confidence: float, pooled: Spread | None) -> Comparison:
    difference, interval = paired_difference(model, baseline, confidence, pooled)
    outcome: Outcome = "helped" if interval[0] > 0 else "hurt" if interval[1] < 0 else "no difference"
    return Comparison(outcome, baseline.name, difference, interval, model.labels_per_class, model.mean, baseline.mean)


def _in_words(
    recipe: str, probe: str, compared: Sequence[Comparison], confidence: float, baselines: Sequence[Score]
) -> str:
    main, *few = compared
    sentences = [
        f"Pre-training ({recipe}) {IN_WORDS[main.outcome]} here: {_points(main.difference)} against a {probe} on "
        f"{described(main.against)} ({100 * confidence:.4g} % interval {_points(main.interval[0])} to "
        f"{_points(main.interval[1])}), {main.model:.3f} beside {main.baseline:.3f}."
    ]
    for c in few:
        low, high = c.interval
        sentences.append(
            f"With {c.labels_per_class} labels a class it {IN_WORDS[c.outcome]}: {_points(c.difference)} "
            f"({_points(low)} to {_points(high)}), {c.model:.3f} beside {c.baseline:.3f} of {described(c.against)}."
        )
    better = [s for s in baselines if s.labels_per_class is None and s.mean > main.model]
    if better:
        best = max(better, key=lambda s: s.mean)
        how = "" if best.probe in (best.name, "finetune") else f" with {best.probe}"
        sentences.append(f"With all labels {described(best.name)}{how} reach {best.mean:.3f}, which is better still.")
    else:
        sentences.append("No plain baseline does better.")
    return " ".join(sentences)


def described(baseline: str) -> str:
    """A baseline in words, as a plural or something that reads as one."""
    return {
        "raw": "raw features",
        "pca": "principal components",
        "untrained": "features of the same encoder without training",
        "trees": "extremely randomised trees on raw features",
        "boosting": "gradient-boosted trees on raw features",
        "supervised": "networks of the same kind trained on the labels alone",
        "tfidf": "TF-IDF of words and a linear model",
        "rocket": "ROCKET's random convolutions and a linear model",
        "wl": "Weisfeiler-Lehman colours and a linear model",
    }.get(baseline, f"features of {baseline}")


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"
