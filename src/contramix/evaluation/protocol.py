"""Define the rules of a comparison, and derive its splits and numbers of labels from the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from contramix.domains import DOMAINS
from contramix.evaluation.metrics import find_metric
from contramix.evaluation.probes import PROBES
from contramix.evaluation.splits import FOLDS, Split, make_folds, make_splits
from contramix.models.labeled_records import LabelBudget, LabeledRecords
from contramix.models.task import Kind, Task
from contramix.recipe import Recipe

DEFAULT_PROBES = ("linear", "knn")
"""Names of the probes that are used by default."""
DRAWS = 20
"""Default number of random draws of few labels: scores vary much between draws, and each draw costs little."""
LABELS_PER_CLASS, LABELS = (20,), (40,)
"""Default numbers of labels that are tried in addition to all labels: per class, or in all for a numeric target."""
FEW_LABELED = 1000
"""Number of labeled rows below which a single split into training and test rows tells too little."""
ALL_PROBES = (*PROBES, "finetune")
"""Names of all probes, and ``finetune``, which trains all weights on the labels."""
FROZEN_BASELINES = ("chance", "frozen", "pca", "untrained")
"""Names of the baselines that are used by default for vectors of a frozen backbone."""


class ComparisonPlan(NamedTuple):
    """Collect the splits, label counts and metric that a protocol derives from given data.

    Parameters
    ----------
    splits
        Training and test rows: one split for each seed, or the folds of a repeated cross-validation.
    budgets
        Numbers of labels to try in addition to all labels.
    metric
        Name of the metric that the verdict uses.
    notes
        Sentences that explain choices to the reader of the result, such as a class with too few rows.
    resamples
        Number of bootstrap resamples of the labeled rows on which scores with all labels are repeated; 0 for none.
    """

    splits: list[Split]
    budgets: tuple[LabelBudget, ...]
    metric: str
    notes: tuple[str, ...]
    resamples: int = 0


@dataclass(frozen=True)
class Protocol:
    """Configure how models and baselines are compared.

    Parameters
    ----------
    labels_per_class
        Numbers of labels per class to try in addition to all labels, for classes; None: 20.
    seeds
        Number of splits and of untrained encoders. In :func:`compare_recipes` it is also the number of pre-training
        runs per recipe.
    task
        ``"classification"`` or ``"regression"``; None to infer it from the target's values.
    metric
        Name of the metric that the verdict uses; None for AUROC (two classes), balanced accuracy (more classes) or R
        squared (regression).
    probes
        Names of the probes. The verdict uses the scores of the first one.
    baselines
        Names of the baselines; None for those of the data domain, which train no network. The one that the verdict
        needs, ``"raw"`` or ``"supervised"``, is always included.
    pick_on_test
        Whether probes choose their settings on the test rows, as some published protocols do.
    draws
        Number of random draws of few labels. Draw number n uses split number n; after the last split, the first one
        follows again.
    repeat_few
        What is done if fewer than 1,000 rows are labeled. True: without an official test split, five folds replace the
        splits of the seeds, repeated so that there are about as many splits as draws; with one, scores with all labels
        are repeated on as many bootstrap resamples of the labeled rows as there are draws. False: the same splits as
        with more rows.
    labels
        Numbers of labels in all to try in addition to all labels, for a numeric target; None: 40.
    """

    labels_per_class: tuple[int, ...] | None = None
    seeds: int = 1
    task: Kind | None = None
    metric: str | None = None
    probes: tuple[str, ...] = DEFAULT_PROBES
    baselines: tuple[str, ...] | None = None
    pick_on_test: bool = False
    draws: int = DRAWS
    repeat_few: bool = True
    labels: tuple[int, ...] | None = None

    @property
    def reference(self) -> str:
        """Return the name of the baseline that is always included, because the verdict needs it for comparison.

        It is ``"supervised"`` (training from scratch) if the first probe is ``"finetune"``, else ``"raw"`` (features).
        """
        return "supervised" if self.probes[0] == "finetune" else "raw"

    def choose_baselines(self, recipe: Recipe) -> set[str]:
        """Return the names of the baselines that a recipe is compared with.

        With a backbone, its vectors take the place of raw features, and there are no trees by default.
        """
        frozen = recipe.backbone is not None
        usual = FROZEN_BASELINES if frozen else DOMAINS[recipe.domain].baselines
        reference = "frozen" if frozen and self.reference == "raw" else self.reference
        return {*(usual if self.baselines is None else self.baselines), reference}

    def plan(self, data: LabeledRecords) -> ComparisonPlan:
        """Split the records, and choose the metric and the numbers of labels, before anything is trained.

        Raises
        ------
        InputError
            If there are too few rows, or the metric does not fit the task.
        """
        notes = []
        seeds, labeled = range(self.seeds), data.labeled_training
        training_rows = len(data.y) - (0 if data.official_test is None else len(data.official_test))
        if len(labeled) < training_rows:
            notes.append(
                f"{training_rows - len(labeled):,} of {training_rows:,} rows have no {data.task.target!r}; they "
                "serve pre-training, and probes leave them out"
            )
        few = self.repeat_few and len(labeled) < FEW_LABELED
        folds = few and data.official_test is None
        # With a fixed test part and fixed labels, repeats on the same rows would be one measurement.
        resample = data.official_test is not None and self.repeat_few and (few or 2 * len(labeled) < training_rows)
        if folds:
            repeats = max(1, self.draws // FOLDS)
            notes.append(_note_folds(data.task, len(labeled), repeats))
            splits = make_folds(data.task, data.y, labeled, seeds, repeats)
        else:
            splits = make_splits(data.task, data.y, seeds, data.official_test, labeled)
        if data.official_test is None and not folds:
            notes.append("a fifth of the rows is held out for each seed; where pre-training saw them, it saw no label")
        if resample:
            notes.append(
                f"the {len(labeled):,} labeled rows are fixed, so scores with all labels are means over {self.draws} "
                "bootstrap resamples of them, which hold about 63 % of the rows each; all rows together score better"
            )
        if data.task.kind == "regression" and self.labels_per_class:
            notes.append("`labels_per_class` is for classes; this target is numeric, so use `labels`")
        if data.task.kind == "classification" and self.labels:
            notes.append("`labels` is for numeric targets; this target has classes, so use `labels_per_class`")
        budgets, more = self._choose_budgets(data.task, data.y, splits, folds)
        metric, resamples = find_metric(data.task, self.metric), self.draws if resample else 0
        return ComparisonPlan(splits, budgets, metric, (*notes, *more), resamples)

    def _choose_budgets(
        self, task: Task, y: ndarray, splits: list[Split], folds: bool
    ) -> tuple[tuple[LabelBudget, ...], list[str]]:
        """Return the numbers of labels to try, and notes on those that the training rows do not have.

        Parameters
        ----------
        task, y, splits
            Task, the targets of all rows, and the splits.
        folds
            Whether the splits are cross-validation folds.
        """
        if task.classes:
            numbers = LABELS_PER_CLASS if self.labels_per_class is None else self.labels_per_class
            available = min(int(np.bincount(y[s.train], minlength=len(task.classes)).min()) for s in splits)
        else:
            numbers = LABELS if self.labels is None else self.labels
            available = min(len(split.train) for split in splits)
        budgets = tuple(LabelBudget(number, bool(task.classes)) for number in numbers)
        if not folds and task.classes:
            return budgets, _note_small_classes(task, y, splits, numbers) if numbers else []
        skipped = [budget for budget in budgets if budget.number > available]
        rows = f"{available} of the rarest class" if task.classes else f"{available} rows"
        where = "training rows of a fold have" if folds else "training part has"
        note = f"{', '.join(map(str, skipped))} are skipped: the {where} only {rows}"
        return tuple(budget for budget in budgets if budget not in skipped), [note] if skipped else []


DEFAULT_PROTOCOL = Protocol()
"""Protocol that is used if the caller gives none."""


def _note_folds(task: Task, rows: int, repeats: int) -> str:
    """Return a sentence on the cross-validation of ``rows`` labeled rows, its repeats, and how little it can tell."""
    margin = ""
    if task.kind == "classification":
        margin = f": an accuracy of 80 % on {rows} rows is known to within {196 * (0.8 * 0.2 / rows) ** 0.5:.0f} points"
    return (
        f"only {rows} rows are labeled, and there are no test rows, so each labeled row is a test row once in each of "
        f"{repeats} repeats of {FOLDS} folds; so few rows can only show large differences{margin}"
    )


def _note_small_classes(task: Task, y: ndarray, splits: list[Split], labels_per_class: Sequence[int]) -> list[str]:
    """Return a note if a class has fewer training rows than the requested labels per class, else an empty list."""
    most = max(labels_per_class)
    counts = np.bincount(y[splits[0].train], minlength=len(task.classes))
    small = [task.classes[n] for n in np.flatnonzero(counts < most)]
    if not small:
        return []
    named = ", ".join(map(repr, small[:5]))
    return [f"{most} labels per class are asked for; the classes {named} have fewer training rows, so all are used"]
