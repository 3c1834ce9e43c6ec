"""Pair samples with the target of each labeled record."""

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
    """Hold samples and their encoded targets.

    Parameters
    ----------
    task
        The prediction task.
    spec
        Description of the columns and how they become samples.
    x
        The samples, those of the official test split last.
    y
        Encoded target of each sample.
    official_test
        Row numbers of the official test split, or None if there is none.
    content
        The column of raw inputs (images, texts ...) as it was read, with the rows of ``x``. None for tables.
    """

    task: Task
    spec: Spec
    x: Samples
    y: ndarray
    official_test: ndarray | None
    content: pa.ChunkedArray | None = None

    @property
    def training(self) -> Samples:
        """Return all samples except those of the official test split."""
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
    """Convert a table to samples and encoded targets.

    Parameters
    ----------
    spec
        Description of the columns, learned in pre-training.
    table
        Labeled rows.
    target
        Name of the column to predict.
    test
        Rows of the official test split, if there is one.
    kind
        Classification or regression. Default: inferred from the target's values.
    where, where_test
        Names of the two tables for error messages.

    Raises
    ------
    InputError
        If the target column does not exist, has missing values, or was an input of pre-training.
    """
    values = _target(table, target, where)
    if any(target in names for names in spec.kinds.values()):
        if sum(len(names) for names in spec.kinds.values()) == 1:
            raise InputError(f"target {target!r} is the input itself; name a column of labels")
        raise InputError(
            f"target {target!r} was among the inputs of pre-training, so the representations hold the answer; "
            f"pre-train again with `target={target}`"
        )
    task = find_task(target, values, where, kind)
    y, x = task.encode(values, where), _rows(spec, table, where)
    column = DOMAINS[spec.domain].content
    content = None if column is None else table.column(column.name)
    if test is None:
        return LabeledRecords(task, spec, x, y, None, content)
    y_test, x_test = task.encode(_target(test, target, where_test), where_test), _rows(spec, test, where_test)
    official = np.arange(len(x), len(x) + len(x_test))
    if column is not None and content is not None:
        content = pa.chunked_array([*content.chunks, *test.column(column.name).chunks], content.type)
    return LabeledRecords(task, spec, concatenate_samples(x, x_test), np.concatenate([y, y_test]), official, content)


def _target(table: pa.Table, target: str, where: str) -> pa.Array:
    if target not in table.column_names:
        raise InputError(f"{where}: there is no column {target!r} to predict; {nearest(target, table.column_names)}")
    return table.column(target).combine_chunks()


def _rows(spec: Spec, table: pa.Table, where: str) -> Samples:
    try:
        return spec.tensorize(table)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def draw_labels(y: ndarray, rows: ndarray, per_class: int, seed: int) -> ndarray:
    """Draw ``per_class`` rows of each class at random, or all rows of a class that has fewer.

    Parameters
    ----------
    y
        Class of each sample.
    rows
        Row numbers to draw from.
    per_class
        Number of rows per class.
    seed
        Random seed.

    Returns
    -------
    ndarray
        Sorted row numbers.
    """
    generator = np.random.default_rng([seed, per_class])
    chosen = [generator.permutation(rows[y[rows] == label])[:per_class] for label in np.unique(y[rows])]
    return np.sort(np.concatenate(chosen))
