"""Derive verdicts: whether pre-training helped, by how much, against which baseline, and with how many labels.

Differences are paired by test row and seed, and intervals are corrected for the number of comparisons.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from contramix.evaluation.baselines import BASELINES
from contramix.evaluation.intervals import CONFIDENCE, Variance, mean_interval, pool_variances, repetition_variances
from contramix.evaluation.scoring import Score
from contramix.models.labeled_records import LabelBudget

REFERENCES = ("raw", "frozen", "untrained", "supervised")
"""Names of the reference baselines. A recipe helped only if it beats the best of them with the same probe: raw
features, the vectors of its backbone, its own encoder without training, or, if all weights are trained on the labels,
the same network trained from scratch."""

Outcome = Literal["helped", "no difference", "hurt"]
OUTCOME_PHRASES: dict[Outcome, str] = {"helped": "helped", "no difference": "made no difference", "hurt": "hurt"}
"""Verb phrase for each outcome in a sentence."""


class Comparison(NamedTuple):
    """Compare a recipe with the best reference baseline at one number of labels.

    Parameters
    ----------
    outcome
        Whether pre-training ``"helped"``, ``"hurt"``, or made ``"no difference"``, which means that the interval
        includes 0.
    against
        Name of the baseline: ``"raw"`` (raw features), ``"frozen"`` (vectors of a backbone), ``"untrained"`` (encoder
        without training) or ``"supervised"`` (network trained from scratch).
    difference, interval
        Mean score of the recipe minus that of the baseline, and the confidence interval of this difference.
    labels
        Number of labels; None for all labels.
    model, baseline
        Mean scores of the recipe and of the baseline.
    """

    outcome: Outcome
    against: str
    difference: float
    interval: tuple[float, float]
    labels: LabelBudget | None
    model: float
    baseline: float

    def as_json(self) -> dict[str, Any]:
        """Convert the comparison to a dictionary that can be saved as JSON."""
        return {**self._asdict(), **LabelBudget.to_json(self.labels)}


class Verdict(NamedTuple):
    """Summarize whether pre-training with a recipe helped, compared with the best reference baseline.

    Parameters
    ----------
    recipe
        Name of the recipe.
    outcome
        Whether pre-training ``"helped"``, ``"hurt"`` or made ``"no difference"`` with all labels.
    against
        Name of the best reference baseline with all labels.
    difference, interval
        Mean score of the recipe minus that of this baseline, and the confidence interval of the difference.
    confidence
        Confidence level of the intervals, after the correction for multiple comparisons.
    text
        Verdict in sentences.
    comparisons
        Comparison with all labels, followed by the comparisons with few labels.
    """

    recipe: str
    outcome: Outcome
    against: str
    difference: float
    interval: tuple[float, float]
    confidence: float
    text: str
    comparisons: tuple[Comparison, ...]

    def as_json(self) -> dict[str, Any]:
        """Convert the verdict to a dictionary that can be saved as JSON, with the names of the fields as keys."""
        return {**self._asdict(), "comparisons": [c.as_json() for c in self.comparisons]}


def paired_difference(
    model: Score, baseline: Score, confidence: float = CONFIDENCE, pooled: Variance | None = None
) -> tuple[float, tuple[float, float]]:
    """Return the mean difference ``model - baseline`` of two scores on the same splits and labels, and its interval.

    The result is ``(difference, (low, high))``; :func:`contramix.evaluation.intervals.mean_interval` explains the
    interval.

    Parameters
    ----------
    model, baseline
        Scores to compare.
    confidence
        Confidence level of the interval.
    pooled
        Variance from repetitions, averaged over several recipes. It is used if it is larger than that of this pair.
    """
    differences = [a - b for a, b in zip(model.per_row_scores, baseline.per_row_scores)]
    return mean_interval(differences, model.design, confidence, pooled)


def derive_verdicts(
    scores: Sequence[Score], recipes: Sequence[str], probe: str = "linear", picked: str = ""
) -> list[Verdict]:
    """Return a verdict on each recipe, sorted from the most to the least helpful.

    Each recipe is compared with the best reference baseline (raw features, untrained encoder, or training from scratch)
    that uses the same probe, once with all labels and once for each smaller number of labels. Intervals have a
    Bonferroni correction over recipes and reference baselines: if no recipe makes a difference, the probability that
    any outcome at one number of labels is ``"helped"`` or ``"hurt"`` is at most 5 %.

    Parameters
    ----------
    scores
        Scores of all models and baselines.
    recipes
        Names of the models that get a verdict.
    probe
        Name of the probe whose scores are compared.
    picked
        Text to put after the name of the probe in the verdict, such as ``" with settings picked on test rows"``.
    """
    cells = {(s.name, s.probe, s.labels): s for s in scores}
    budgets = sorted({s.labels for s in scores if s.labels}, reverse=True)
    references = [name for name in REFERENCES if (name, probe, None) in cells]
    confidence = 1 - (1 - CONFIDENCE) / (len(recipes) * len(references))
    compared: dict[str, list[Comparison]] = {recipe: [] for recipe in recipes}
    for labels in (None, *budgets):
        there = [cells[name, probe, labels] for name in references if (name, probe, labels) in cells]
        mine = [cells[recipe, probe, labels] for recipe in recipes if (recipe, probe, labels) in cells]
        if not there or not mine:
            continue
        best = max(there, key=lambda s: s.mean)
        pooled = pool_variances([repetition_variances(model.per_seed - best.per_seed, model.design) for model in mine])
        for model in mine:
            compared[model.name].append(_compare(model, best, confidence, pooled))
    baselines = [s for s in scores if s.kind == "baseline"]
    verdicts = []
    for recipe, found in compared.items():
        main = found[0]
        text = _write_verdict(recipe, f"{probe} probe{picked}", found, confidence, baselines)
        verdicts.append(
            Verdict(recipe, main.outcome, main.against, main.difference, main.interval, confidence, text, tuple(found))
        )
    return sorted(verdicts, key=lambda v: -v.difference)


def find_outcome(interval: tuple[float, float]) -> Outcome:
    """Return ``"helped"`` if the interval of a difference is above 0, ``"hurt"`` if below, else ``"no difference"``."""
    low, high = interval
    return "helped" if low > 0 else "hurt" if high < 0 else "no difference"


def _compare(model: Score, baseline: Score, confidence: float, pooled: Variance | None) -> Comparison:
    difference, interval = paired_difference(model, baseline, confidence, pooled)
    outcome = find_outcome(interval)
    return Comparison(outcome, baseline.name, difference, interval, model.labels, model.mean, baseline.mean)


def _write_verdict(
    recipe: str, probe: str, compared: Sequence[Comparison], confidence: float, baselines: Sequence[Score]
) -> str:
    main, *few = compared
    sentences = [
        f"Pre-training ({recipe}) {OUTCOME_PHRASES[main.outcome]} against a {probe} on "
        f"{describe_baseline(main.against)}: {_points(main.difference)} ({100 * confidence:.4g} % interval "
        f"{_points(main.interval[0])} to {_points(main.interval[1])}), {_percent(main.model)} compared with "
        f"{_percent(main.baseline)}."
    ]
    for c in few:
        low, high = c.interval
        sentences.append(
            f"With {c.labels} it {OUTCOME_PHRASES[c.outcome]}: {_points(c.difference)} "
            f"({_points(low)} to {_points(high)}), {_percent(c.model)} compared with {_percent(c.baseline)} for "
            f"{describe_baseline(c.against)}."
        )
    better = [s for s in baselines if s.labels is None and s.mean > main.model]
    if better:
        best = max(better, key=lambda s: s.mean)
        how = "" if best.probe in (best.name, "finetune") else f" with {best.probe}"
        sentences.append(
            f"With all labels {describe_baseline(best.name)}{how} reach {_percent(best.mean)}, which is better."
        )
    else:
        sentences.append("No baseline does better.")
    return " ".join(sentences)


def describe_baseline(name: str) -> str:
    """Return a plural noun phrase for a baseline, such as ``"principal components"`` for ``"pca"``."""
    return BASELINES[name].plural if name in BASELINES else f"features of {name}"


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
