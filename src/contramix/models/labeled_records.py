"""Convert labeled tables to samples and encoded targets, and draw labeled rows at random."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy import ndarray

from contramix.domains import DOMAINS, Spec
from contramix.errors import InputError, nearest
from contramix.models.task import Kind, Task, find_task
from contramix.samples.samples import Samples, concatenate_samples, take


class LabeledRecords(NamedTuple):
    """Pair the samples of a labeled data set with their encoded targets.

    Parameters
    ----------
    task
        The prediction task: classification or regression, with the target's name and its classes.
    spec
        Description of the input columns, and of how they are converted to samples.
    x
        The samples. If there is an official test split, its samples come last.
    y
        Target of each sample: its class number, or its numeric value in regression.
    official_test
        Row numbers of the official test split within ``x``, or None if there is no official test split.
    labeled
        Row numbers of the records with a known target, outside the official test split; None: all of them. The ``y`` of
        other records is -1, or NaN in regression.
    content
        The Arrow column of raw inputs (such as images or texts), one entry per sample. None for tables.
    """

    task: Task
    spec: Spec
    x: Samples
    y: ndarray
    official_test: ndarray | None
    content: pa.ChunkedArray | None = None
    labeled: ndarray | None = None

    @property
    def labeled_training(self) -> ndarray:
        """Return the row numbers of the records with a known target, outside the official test split."""
        if self.labeled is not None:
            return self.labeled
        return np.setdiff1d(np.arange(len(self.y)), [] if self.official_test is None else self.official_test)

    @property
    def training(self) -> Samples:
        """Return the samples that may be used for training: all except those of the official test split."""
        rows = len(self.x) - (0 if self.official_test is None else len(self.official_test))
        return self.x if rows == len(self.x) else take(self.x, torch.arange(rows))


def prepare_labeled_records(
    spec: Spec,
    table: pa.Table,
    target: str,
    *,
    test: pa.Table | None = None,
    kind: Kind | None = None,
    where: str = "data",
    where_test: str = "test data",
) -> LabeledRecords:
    """Convert a labeled table, and optionally its official test split, to samples and encoded targets.

    Parameters
    ----------
    spec
        Description of the input columns, learned in pre-training.
    table
        Training rows. Those whose target is missing are converted to samples, too.
    target
        Name of the column to predict.
    test
        Rows of the official test split, with the same columns and known targets. Default: no official test split.
    kind
        ``"classification"`` or ``"regression"``. Default: inferred from the target's values.
    where, where_test
        Names of ``table`` and ``test`` in error messages.

    Raises
    ------
    InputError
        If the target column does not exist, is missing in all rows or in a test row, or was an input of pre-training,
        or if an input column does not match ``spec``.
    """
    check_target(spec, target)
    task, y, labeled = encode_target(table, target, kind, where)
    x = _rows(spec, table, where)
    column = DOMAINS[spec.domain].content
    content = None if column is None else table.column(column.name)
    if test is None:
        return LabeledRecords(task, spec, x, y, None, content, labeled)
    y_test, x_test = task.encode(_target(test, target, where_test), where_test), _rows(spec, test, where_test)
    official = np.arange(len(x), len(x) + len(x_test))
    if column is not None and content is not None:
        content = pa.chunked_array([*content.chunks, *test.column(column.name).chunks], content.type)
    y = np.concatenate([y, y_test])
    return LabeledRecords(task, spec, concatenate_samples(x, x_test), y, official, content, labeled)


def encode_target(
    table: pa.Table, target: str, kind: Kind | None = None, where: str = "data"
) -> tuple[Task, ndarray, ndarray]:
    """Return the task, the encoded target of each row (-1 or NaN if missing), and the numbers of the labeled rows.

    Parameters
    ----------
    table
        Labeled rows, among which the target of some may be missing.
    target
        Name of the column to predict.
    kind
        ``"classification"`` or ``"regression"``; None: inferred from the target's values.
    where
        Name of the data in error messages.

    Raises
    ------
    InputError
        If the target column does not exist, is missing in all rows, or has invalid values.
    """
    values = _target(table, target, where)
    labeled = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    if not len(labeled):
        raise InputError(f"{where}: target {target!r} is missing in all rows; give some that have it")
    known = values.take(pa.array(labeled))
    task = find_task(target, known, where, kind)
    y_known = task.encode(known, where)
    y = np.full(len(values), -1 if task.kind == "classification" else np.nan, y_known.dtype)
    y[labeled] = y_known
    return task, y, labeled


def check_target(spec: Spec, target: str) -> None:
    """Raise an ``InputError`` if the column to predict was an input of pre-training, as ``spec`` tells."""
    if any(target in names for names in spec.kinds.values()):
        if sum(len(names) for names in spec.kinds.values()) == 1:
            raise InputError(f"target {target!r} is the input itself; name a column of labels")
        raise InputError(
            f"target {target!r} was among the inputs of pre-training, so the representations hold the answer; "
            f"pre-train again with `target={target}`"
        )


def _target(table: pa.Table, target: str, where: str) -> pa.Array:
    if target not in table.column_names:
        raise InputError(f"{where}: there is no column {target!r} to predict; {nearest(target, table.column_names)}")
    return table.column(target).combine_chunks()


def _rows(spec: Spec, table: pa.Table, where: str) -> Samples:
    try:
        return spec.tensorize(table)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


class LabelBudget(NamedTuple):
    """Describe how many labels are used: a number per class, or a number in all for a numeric target.

    Examples
    --------
    >>> str(LabelBudget(20)), str(LabelBudget(200, per_class=False))
    ('20 labels per class', '200 labels')
    """

    number: int
    per_class: bool = True

    def __str__(self) -> str:
        labels = "1 label" if self.number == 1 else f"{self.number:,} labels"
        return f"{labels} per class" if self.per_class else labels

    @staticmethod
    def to_json(budget: "LabelBudget | None") -> dict[str, int | None]:
        """Return a budget as the JSON keys ``labels_per_class`` and ``labels``; both are None for all labels."""
        per_class = budget is not None and budget.per_class
        return {
            "labels_per_class": budget.number if budget and per_class else None,
            "labels": budget.number if budget and not per_class else None,
        }


def draw_labels(y: ndarray, rows: ndarray, budget: LabelBudget, seed: int) -> ndarray:
    """Draw rows at random as the labeled rows of an experiment: the same number of each class, or a number in all.

    Parameters
    ----------
    y
        Class number or numeric target of each row of the data set.
    rows
        Row numbers from which to draw.
    budget
        Number of rows to draw, per class or in all. If there are fewer rows, all of them are drawn.
    seed
        Random seed.

    Returns
    -------
    ndarray
        The drawn row numbers, sorted.
    """
    generator = np.random.default_rng([seed, budget.number])
    groups = [rows[y[rows] == label] for label in np.unique(y[rows])] if budget.per_class else [rows]
    chosen = [generator.permutation(group)[: budget.number] for group in groups]
    return np.sort(np.concatenate(chosen))


def resample_labels(task: Task, y: ndarray, rows: ndarray, seed: int) -> ndarray:
    """Draw a bootstrap resample: as many rows as there are, with replacement, as the labeled rows of an experiment.

    In classification, each class keeps its number of rows, so that no class is lost.

    Parameters
    ----------
    task, y
        Task (classification or regression), and the encoded targets of all records.
    rows
        Row numbers from which to draw.
    seed
        Random seed.

    Returns
    -------
    ndarray
        The drawn row numbers, sorted. Some occur several times.
    """
    generator = np.random.default_rng(seed)
    if task.kind == "regression":
        return np.sort(generator.choice(rows, len(rows)))
    groups = [rows[y[rows] == label] for label in np.unique(y[rows])]
    return np.sort(np.concatenate([generator.choice(group, len(group)) for group in groups]))
