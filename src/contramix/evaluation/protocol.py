"""Define the protocol of a comparison, and derive its splits and numbers of labels from the data."""

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
"""Names of the probes that are tried by default."""
ALL_PROBES = (*PROBES, "finetune")
"""Names of all probes, and ``finetune`` for training all weights on the labels."""


class ComparisonPlan(NamedTuple):
    """Hold what a protocol means for given data."""

    splits: list[Split]
    """Training and test rows of each seed."""
    labels_per_class: tuple[int, ...]
    """Numbers of labels per class to try in addition to all labels; none for a numeric target."""
    metric: str
    """Name of the metric of the verdict."""
    notes: tuple[str, ...]
    """Sentences that a reader of the result should know."""


@dataclass(frozen=True)
class Protocol:
    """Describe how models and baselines are compared.

    Parameters
    ----------
    labels_per_class
        Numbers of labels per class to try in addition to all labels; for classification only.
    seeds
        Number of splits, draws of labels and untrained encoders; in :func:`compare_recipes`, also of pre-training runs
        of each recipe.
    task
        ``"classification"`` or ``"regression"``; None to tell it from the target's values.
    metric
        Metric of the verdict; None for accuracy or R squared.
    probes
        Names of the probes. The first one gives the verdict.
    baselines
        Names of the baselines. The baseline that the verdict needs (``reference``) is always included.
    pick_on_test
        Let probes choose their settings by the test rows, as published protocols do.
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
        """Return the name of the baseline without which the first probe gives no verdict."""
        return "supervised" if self.probes[0] == "finetune" else "raw"

    def plan(self, data: LabeledRecords) -> ComparisonPlan:
        """Split the records and find the metric, before anything is trained.

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
"""Protocol that is used where none is given."""


def _note_small_classes(task: Task, y: ndarray, splits: list[Split], labels_per_class: Sequence[int]) -> list[str]:
    """Return a note if a class has fewer training rows than labels are asked for."""
    most = max(labels_per_class)
    counts = np.bincount(y[splits[0].train], minlength=len(task.classes))
    small = [task.classes[n] for n in np.flatnonzero(counts < most)]
    if not small:
        return []
    named = ", ".join(map(repr, small[:5]))
    return [f"{most} labels per class are asked for; the classes {named} have fewer training rows, so all are used"]
