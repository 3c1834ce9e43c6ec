"""Answer three questions from the scores: what to use, whether pre-training adds to it, and whether training is why.

The third answer is the verdict of :mod:`contramix.evaluation.verdict`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from contramix.evaluation.baselines import BASELINES
from contramix.evaluation.intervals import CONFIDENCE
from contramix.evaluation.scoring import Score
from contramix.evaluation.verdict import Outcome, Verdict, find_outcome, paired_difference
from contramix.models.labeled_records import LabelBudget

ANSWERS: dict[Outcome, str] = {"helped": "yes", "no difference": "not clear", "hurt": "no"}
"""Answer for each outcome of a comparison, to the question whether pre-training helps."""


class Best(NamedTuple):
    """Name the model or baseline with the best mean score at one number of labels, and compare it with the next.

    Parameters
    ----------
    labels
        Number of labels; None for all labels.
    name, probe, mean
        Name and probe of the best, and its mean score.
    runner_up, runner_up_probe
        Name and probe of the second best.
    difference, interval
        Mean score of the best minus that of the second best, and the 95 % confidence interval of this difference.
    clear
        Whether the interval is above 0, so that the difference is more than noise. No correction for the number of
        candidates is needed for this statement: with more equally good candidates, the best two are closer together.
    """

    labels: LabelBudget | None
    name: str
    probe: str
    mean: float
    runner_up: str
    runner_up_probe: str
    difference: float
    interval: tuple[float, float]
    clear: bool

    def as_json(self) -> dict[str, Any]:
        """Convert this object to a dictionary that can be saved as JSON."""
        return {**self._asdict(), **LabelBudget.to_json(self.labels)}


class AgainstBest(NamedTuple):
    """Compare a recipe with the best baseline that needs no pre-training, at one number of labels.

    Parameters
    ----------
    recipe, labels
        Name of the recipe, and number of labels (None for all labels).
    baseline, baseline_probe
        Name and probe of the baseline with the best mean score among those without pre-training.
    difference, interval
        Mean score of the recipe minus that of the baseline, and its confidence interval. Both ends are corrected for
        the number of recipes. The upper end is also corrected for the number of baselines, of which the best was
        chosen by its mean; the lower end is not, because to be above the best one is to be above them all.
    outcome
        ``"helped"`` if the interval is above 0, ``"hurt"`` if it is below 0, else ``"no difference"``.
    model, baseline_mean
        Mean scores of the recipe and of the baseline.
    """

    recipe: str
    labels: LabelBudget | None
    baseline: str
    baseline_probe: str
    difference: float
    interval: tuple[float, float]
    outcome: Outcome
    model: float
    baseline_mean: float

    def as_json(self) -> dict[str, Any]:
        """Convert the comparison to a dictionary that can be saved as JSON."""
        return {**self._asdict(), **LabelBudget.to_json(self.labels)}


def find_best(scores: Sequence[Score]) -> list[Best]:
    """Return the best of all models and baselines at each number of labels; all labels come first, then the most."""
    found = []
    for here in _by_labels(scores):
        if len(here) < 2:
            continue
        best, second = sorted(here, key=lambda s: -s.mean)[:2]
        difference, interval = paired_difference(best, second)
        names = (best.name, best.probe, best.mean, second.name, second.probe)
        found.append(Best(best.labels, *names, difference, interval, interval[0] > 0))
    return found


def compare_with_best_baseline(scores: Sequence[Score], recipes: Sequence[str], probe: str) -> list[AgainstBest]:
    """Compare each recipe, under the named probe, with the best baseline without pre-training, under any probe."""
    found = []
    for here in _by_labels(scores):
        plain = [s for s in here if _is_plain(s)]
        models = [s for s in here if s.name in recipes and s.probe == probe]
        for model in models if plain else ():
            best = max(plain, key=lambda s: s.mean)
            alpha = (1 - CONFIDENCE) / len(recipes)
            difference, (low, _) = paired_difference(model, best, 1 - alpha)
            high = paired_difference(model, best, 1 - alpha / len(plain))[1][1]
            found.append(
                AgainstBest(
                    *(model.name, model.labels, best.name, best.probe, difference, (low, high)),
                    *(find_outcome((low, high)), model.mean, best.mean),
                )
            )
    return found


def write_answers(best: Sequence[Best], against: Sequence[AgainstBest], verdicts: Sequence[Verdict]) -> str:
    """Return the answers to the three questions as one block of lines, in percent and percentage points."""
    lines = ["What should I use?"]
    lines += _align(
        (
            f"{labels_in_words(b.labels)}:",
            f"{candidate_in_words(b.name, b.probe)}, {100 * b.mean:.1f} %;",
            f"next {candidate_in_words(b.runner_up, b.runner_up_probe)}, {points(b.difference, b.interval)}"
            f"{'' if b.clear else ', not more than noise'}",
        )
        for b in best
    )
    lines.append("Does pre-training add anything to the best model without it?")
    lines += _align(
        (
            f"{recipe}:",
            *(
                f"{labels_in_words(a.labels)}: {ANSWERS[a.outcome]}, {points(a.difference, a.interval)} "
                f"against {candidate_in_words(a.baseline, a.baseline_probe)};"
                for a in against
                if a.recipe == recipe
            ),
        )
        for recipe in (v.recipe for v in verdicts)
    )
    lines.append("Is it the training?")
    lines += _align(
        (
            f"{verdict.recipe}:",
            *(
                f"{labels_in_words(c.labels)}: {ANSWERS[c.outcome]}, {points(c.difference, c.interval)} "
                f"against {c.against};"
                for c in verdict.comparisons
            ),
        )
        for verdict in verdicts
    )
    return "\n".join(lines)


def candidate_in_words(name: str, probe: str) -> str:
    """Return the name of a candidate with its probe, such as ``"imix-npair (linear)"``; without one, only its name."""
    return name if probe == name else f"{name} ({probe})"


def labels_in_words(labels: LabelBudget | None) -> str:
    """Return a number of labels as text, such as ``"20 labels per class"``; None is ``"all labels"``."""
    return "all labels" if labels is None else str(labels)


def points(difference: float, interval: tuple[float, float]) -> str:
    """Return a difference and its interval in percentage points, such as ``"+1.2 points (+0.3 to +2.1)"``."""
    low, high = interval
    return f"{100 * difference:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"


def describe_coverage(scores: Sequence[Score]) -> list[str]:
    """Return a sentence for each number of labels that says over what the intervals extend, and over what not."""
    sentences = []
    for here in _by_labels(scores):
        design, labels = here[0].design, here[0].labels
        several_splits = not all(np.array_equal(rows, design.test_rows[0]) for rows in design.test_rows)
        covered = ["draws of labels"] if labels else []
        covered += ["resamples of the labeled rows"] if design.resampled else []
        covered += ["splits"] if several_splits else []
        seeds = len(set(design.seeds))
        covered += ["test rows", *([f"{seeds} pre-training runs"] if seeds > 1 else [])]
        runs = "; there is one pre-training run of each recipe" if seeds == 1 else ""
        sentences.append(f"intervals with {labels_in_words(labels)} cover {' and '.join(covered)}{runs}")
    return sentences


def _by_labels(scores: Sequence[Score]) -> list[list[Score]]:
    """Return the scores grouped by number of labels: all labels, then from the largest number to the smallest."""
    few = sorted({s.labels for s in scores if s.labels}, reverse=True)
    groups = ([s for s in scores if s.labels == labels] for labels in (None, *few))
    return [group for group in groups if group]


def _is_plain(score: Score) -> bool:
    """Return whether a score is that of a baseline that needs no pre-training."""
    return score.kind == "baseline" and not (score.name in BASELINES and BASELINES[score.name].recipe)


def _align(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return indented lines, with the cells of each column padded to the same width."""
    listed = [list(row) for row in rows]
    columns = max((len(row) for row in listed), default=0)
    widths = [max((len(row[n]) for row in listed if n < len(row)), default=0) for n in range(columns)]
    return ["  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths)).rstrip(" ;") for row in listed]
