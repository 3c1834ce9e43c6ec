"""Define the rules of a comparison, and derive its splits and numbers of labels from the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from contramix.evaluation.baselines import BASELINES
from contramix.evaluation.metrics import find_metric
from contramix.evaluation.probes import PROBES
from contramix.evaluation.splits import Split, make_splits
from contramix.models.labeled_records import LabeledRecords
from contramix.models.task import Kind, Task

DEFAULT_PROBES = ("linear", "knn", "finetune")
"""Names of the probes that are used by default."""
ALL_PROBES = (*PROBES, "finetune")
"""Names of all probes, and ``finetune``, which trains all weights on the labels."""


class ComparisonPlan(NamedTuple):
    """Collect the splits, label counts and metric that a protocol derives from given data.

    Parameters
    ----------
    splits
        Training and test rows for each seed.
    labels_per_class
        Numbers of labels per class to try in addition to all labels; empty for a numeric target.
    metric
        Name of the metric that the verdict uses.
    notes
        Sentences that explain choices to the reader of the result, such as a class with too few rows.
    """

    splits: list[Split]
    labels_per_class: tuple[int, ...]
    metric: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Protocol:
    """Configure how models and baselines are compared.

    Parameters
    ----------
    labels_per_class
        Numbers of labels per class to try in addition to all labels; for classification only.
    seeds
        Number of repetitions, each with another split, another draw of labels and another untrained encoder. In
        :func:`compare_recipes` it is also the number of pre-training runs per recipe.
    task
        ``"classification"`` or ``"regression"``; None to infer it from the target's values.
    metric
        Name of the metric that the verdict uses; None for accuracy (classification) or R squared (regression).
    probes
        Names of the probes. The verdict uses the scores of the first one.
    baselines
        Names of the baselines. The one that the verdict needs, ``"raw"`` or ``"supervised"``, is always included.
    pick_on_test
        Whether probes choose their settings on the test rows, as some published protocols do.
    """

    labels_per_class: tuple[int, ...] = (20,)
    seeds: int = 3
    task: Kind | None = None
    metric: str | None = None
    probes: tuple[str, ...] = DEFAULT_PROBES
    baselines: tuple[str, ...] = tuple(BASELINES)
    pick_on_test: bool = False

    @property
    def reference(self) -> str:
        """Return the name of the baseline that is always included, because the verdict needs it for comparison.

        It is ``"supervised"`` (training from scratch) if the first probe is ``"finetune"``, else ``"raw"`` (features).
        """
        return "supervised" if self.probes[0] == "finetune" else "raw"

    def plan(self, data: LabeledRecords) -> ComparisonPlan:
        """Split the records, and choose the metric and the numbers of labels, before anything is trained.

        Raises
        ------
        InputError
            If there are too few rows, or the metric does not fit the task.
        """
        notes, labels_per_class = [], self.labels_per_class
        if data.official_test is None:
            notes.append("a fifth of the rows is held out for each seed; where pre-training saw them, it saw no label")
        if data.task.kind == "regression" and labels_per_class:
            notes.append("labels per class are for classes; this target is numeric, so all labels are used")
            labels_per_class = ()
        splits = make_splits(data.task, data.y, range(self.seeds), data.official_test)
        if labels_per_class:
            notes += _note_small_classes(data.task, data.y, splits, labels_per_class)
        return ComparisonPlan(splits, labels_per_class, find_metric(data.task, self.metric), tuple(notes))


DEFAULT_PROTOCOL = Protocol()
"""Protocol that is used if the caller gives none."""


def _note_small_classes(task: Task, y: ndarray, splits: list[Split], labels_per_class: Sequence[int]) -> list[str]:
    """Return a note if a class has fewer training rows than the requested labels per class, else an empty list."""
    most = max(labels_per_class)
    counts = np.bincount(y[splits[0].train], minlength=len(task.classes))
    small = [task.classes[n] for n in np.flatnonzero(counts < most)]
    if not small:
        return []
    named = ", ".join(map(repr, small[:5]))
    return [f"{most} labels per class are asked for; the classes {named} have fewer training rows, so all are used"]
