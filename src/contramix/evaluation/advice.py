"""Suggest what to try next, based on the result of a comparison of models with baselines."""

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from contramix.evaluation.scoring import Score
from contramix.evaluation.verdict import Verdict
from contramix.models.labeled_records import LabelBudget
from contramix.models.task import Task

MAJORITY_SHARE = 0.7
"""Minimum share of rows in the largest class for the advice that accuracy says little about the other classes."""


def advise(task: Task, y: ndarray, metric: str, scores: Sequence[Score], verdicts: Sequence[Verdict]) -> list[str]:
    """Return advice on what to try next as sentences, the most useful first; the list may be empty.

    An example is "Training all weights on the labels reaches 91.2 %: see 'contramix finetune'."

    Parameters
    ----------
    task, y
        Task (classification or regression), and the encoded targets of all records.
    metric
        Name of the metric that the scores and verdicts use, such as ``"accuracy"``.
    scores
        Scores of all models and baselines in the comparison.
    verdicts
        Verdict on each recipe (whether its pre-training helped), sorted from the most to the least helpful recipe.
    """
    best = verdicts[0]
    cells = {(s.name, s.probe, s.labels): s for s in scores}
    return [
        sentence
        for sentence in (
            _no_gain_from_training(best),
            _gaussian_noise_suffices(best, cells),
            _gain_with_few_labels(best),
            _fine_tuning_is_better(best, cells),
            _imbalanced_classes(task, y, metric),
        )
        if sentence
    ]


def _no_gain_from_training(best: Verdict) -> str:
    if best.outcome == "helped":
        return ""
    if best.against == "untrained":
        return (
            "The encoder does as well without training, so pre-training learned nothing useful for this target: try "
            "other noise, a lower temperature ('contramix tune' searches both), or longer training."
        )
    return "Raw features are hard to beat here: search noise, temperature and width with 'contramix tune'."


def _gaussian_noise_suffices(best: Verdict, cells: dict[tuple[str, str, LabelBudget | None], Score]) -> str:
    probe = next((key[1] for key in cells if key[0] == best.recipe), "linear")
    gaussian = cells.get(("gaussian", probe, None))
    if best.recipe == "gaussian" or gaussian is None or gaussian.mean < best.comparisons[0].model:
        return ""
    reached = f"{100 * gaussian.mean:.1f} %"
    return f"Gaussian noise instead of {best.recipe} does no worse ({reached}): mixing makes no difference here."


def _gain_with_few_labels(best: Verdict) -> str:
    helped = [c for c in best.comparisons if c.labels and c.outcome == "helped"]
    if best.outcome == "helped" or not helped:
        return ""
    return f"With {helped[-1].labels} the representations help."


def _fine_tuning_is_better(best: Verdict, cells: dict[tuple[str, str, LabelBudget | None], Score]) -> str:
    fine_tuned, scratch = (cells.get((name, "finetune", None)) for name in (best.recipe, "supervised"))
    if fine_tuned is None or fine_tuned.mean <= best.comparisons[0].model:
        return ""
    from_scratch = f" ({100 * scratch.mean:.1f} % from scratch)" if scratch else ""
    reached = f"{100 * fine_tuned.mean:.1f} %{from_scratch}"
    return f"Training all weights on the labels reaches {reached}: see 'contramix finetune'."


def _imbalanced_classes(task: Task, y: ndarray, metric: str) -> str:
    if task.kind == "regression" or metric != "accuracy":
        return ""
    share = np.bincount(y).max() / len(y)
    if share < MAJORITY_SHARE:
        return ""
    return (
        f"{100 * share:.0f} % of the rows are of one class, so accuracy says little about the others: "
        "look at balanced accuracy and AUROC (with `metric='auroc'` the verdict is on AUROC)."
    )
