"""What to try next, from what a comparison showed."""

from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from contramix.evaluation.protocol import Score
from contramix.evaluation.verdict import Verdict, described
from contramix.models.task import Task

RARE = 0.7
"""With more than this share of rows in one class, accuracy says little about the others."""


def advise(task: Task, y: ndarray, metric: str, scores: Sequence[Score], verdicts: Sequence[Verdict]) -> list[str]:
    """Sentences, the most useful first; none where there is nothing to say."""
    best = verdicts[0]
    cells = {(s.name, s.probe, s.labels_per_class): s for s in scores}
    return [
        sentence
        for sentence in (
            _plain_is_better(best, scores),
            _not_the_training(best),
            _mixing_adds_nothing(best, cells),
            _few_labels(best),
            _all_weights(best, cells),
            _metric(task, y, metric),
        )
        if sentence
    ]


def _plain_is_better(best: Verdict, scores: Sequence[Score]) -> str:
    with_all = [s for s in scores if s.labels_per_class is None]
    top = max(with_all, key=lambda s: s.mean)
    if top.kind != "baseline" or (best.outcome == "helped" and top.mean <= best.comparisons[0].model):
        return ""
    return f"To predict this target with all labels, use {described(top.name)}: {top.mean:.3f}."


def _not_the_training(best: Verdict) -> str:
    if best.outcome == "helped":
        return ""
    if best.against == "untrained":
        return (
            "The encoder does as well without training, so what pre-training learned does not serve this target: "
            "try other noise or a lower temperature ('contramix tune' searches), or longer training."
        )
    return "Raw features are hard to beat here: let 'contramix tune' look for other noise, temperature and width."


def _mixing_adds_nothing(best: Verdict, cells: dict[tuple[str, str, int | None], Score]) -> str:
    probe = next((key[1] for key in cells if key[0] == best.recipe), "linear")
    gaussian = cells.get(("gaussian", probe, None))
    if best.recipe == "gaussian" or gaussian is None or gaussian.mean < best.comparisons[0].model:
        return ""
    return (
        f"Gaussian noise instead of {best.recipe} does no worse ({gaussian.mean:.3f}): mixing is not what helps here."
    )


def _few_labels(best: Verdict) -> str:
    helped = [c for c in best.comparisons if c.labels_per_class and c.outcome == "helped"]
    if best.outcome == "helped" or not helped:
        return ""
    return f"Where labels are few ({helped[-1].labels_per_class} a class) the representations are worth having."


def _all_weights(best: Verdict, cells: dict[tuple[str, str, int | None], Score]) -> str:
    tuned, scratch = (cells.get((name, "finetune", None)) for name in (best.recipe, "supervised"))
    if tuned is None or tuned.mean <= best.comparisons[0].model:
        return ""
    beside = f", {scratch.mean:.3f} from scratch" if scratch else ""
    return f"Training all weights on the labels reaches {tuned.mean:.3f}{beside}: see 'contramix finetune'."


def _metric(task: Task, y: ndarray, metric: str) -> str:
    if task.kind == "regression" or metric != "accuracy":
        return ""
    share = np.bincount(y).max() / len(y)
    if share < RARE:
        return ""
    return (
        f"{100 * share:.0f} % of the rows are of one class, so accuracy says little about the others: "
        "see balanced accuracy and AUROC (--metric auroc gives the verdict on it)."
    )
