"""Learn to predict a column of a table with pre-trained models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Shaped
from numpy import ndarray

from contramix.errors import InputError
from contramix.models.class_shares import check_class_prior
from contramix.models.fine_tuned import HEAD_FILE
from contramix.models.finetune_settings import DEFAULT, FineTune
from contramix.models.labeled_records import LabelBudget, check_target, draw_labels, encode_target
from contramix.models.predictor import Predictor
from contramix.models.pretrained import Pretrained
from contramix.models.task import Kind
from contramix.predictors.blend_model import BLEND_FILE
from contramix.predictors.few_labels import Head, fit_predictor
from contramix.predictors.labeled_rows import Targets
from contramix.runs.folder import check_folder
from contramix.training.reporter import SILENT, Reporter


def check_model_folder(folder: Path, runs: Sequence[Path] = ()) -> None:
    """Check that a model that predicts can be saved to a folder. Nothing is written.

    Parameters
    ----------
    folder
        Folder to write to.
    runs
        Folders of the models from which it is learned.

    Raises
    ------
    InputError
        If the folder is one of ``runs``, holds something other than a model that predicts, or cannot be written.
    """
    if folder.resolve() in [run.resolve() for run in runs]:
        raise InputError(f"`out` {folder}: is the model to learn from, which would be lost; give a new folder")
    check_folder(folder)
    predicts = any((folder / name).is_file() for name in (HEAD_FILE, BLEND_FILE))
    if folder.is_dir() and any(folder.iterdir()) and not predicts:
        raise InputError(f"`out` {folder}: holds a run or another model, which would be lost; give a new folder")


def fit_on(
    models: Sequence[Pretrained],
    table: pa.Table,
    target: str,
    head: Head = "auto",
    settings: FineTune = DEFAULT,
    *,
    class_prior: Mapping[Any, float] | str | None = None,
    kind: Kind | None = None,
    labels_per_class: int | None = None,
    seed: int = 0,
    device: str = "auto",
    where: str = "data",
    reporter: Reporter = SILENT,
) -> Predictor:
    """Learn to predict a column of a table from the rows that have a value in it.

    Parameters
    ----------
    models
        Pre-trained models of one domain. They are not changed.
    table
        Rows with the columns of the rows on which the models were trained. Features are standardized with the
        statistics of all rows, also of those without a value in the target column.
    target
        Column to predict.
    head
        What is learned; see :func:`contramix.predictors.few_labels.fit_predictor`. ``"finetune"`` takes one model.
    settings, seed, device
        Settings of fine-tuning, seed of all random draws, and name of the device.
    class_prior
        Share of each class in the rows to predict, or ``"estimate"`` to estimate it from the rows without a value in
        the target column; None: as among the labeled rows.
    kind
        ``"classification"`` or ``"regression"``; None: decided by the values of the target.
    labels_per_class
        Number of labeled rows that are drawn at random from each class; None: use all rows.
    where
        Name of the data in error messages, such as a file name.
    reporter
        Receives the steps of fine-tuning, and a note if rows have no value in the target column.

    Raises
    ------
    InputError
        If the target does not exist, has no values, or was an input in pre-training; or if rows cannot be used.
    RunError
        If the loss is not finite.
    """
    first, *others = models
    if others and head == "finetune":
        raise InputError("`head` finetune: all weights of one model are fine-tuned; give one run")
    if any(other.recipe.domain != first.recipe.domain for other in others):
        raise InputError("the runs are of different domains; give runs on the same kind of data")
    for model in models:
        check_target(model.spec, target)
    task, y, labeled = encode_target(table, target, kind, where)
    rows, labels = labeled, np.empty(0)
    if task.classes:
        labels = _class_labels(table.column(target).take(pa.array(labeled)), y[labeled])
    prior = None if class_prior is None else check_class_prior(class_prior, task.classes, labels)
    estimate = class_prior is not None and prior is None
    if estimate and len(labeled) == table.num_rows:
        raise InputError("`class_prior` estimate: there are no rows without labels from which to estimate it")
    if len(rows) < table.num_rows:
        use = "they are left out" if head == "finetune" else "only their statistics are used"
        reporter.note(f"{table.num_rows - len(rows):,} of {table.num_rows:,} rows have no {target!r}; {use}")
    if labels_per_class is not None:
        if task.kind == "regression":
            raise InputError(f"`labels_per_class`: target {target!r} is a quantity, which has no classes")
        rows = draw_labels(y, rows, LabelBudget(labels_per_class), seed)
    targets = Targets.weighted(task, y[rows], settings.class_weight)
    predictor = fit_predictor(
        models, table, rows, targets, labels, head, settings, seed=seed, device=device, reporter=reporter
    )
    predictor.prior = prior
    if estimate:
        predictor.estimate_prior(table, np.setdiff1d(np.arange(table.num_rows), labeled))
    return predictor


def _class_labels(values: pa.ChunkedArray, numbers: ndarray) -> Shaped[ndarray, " C"]:
    """Return the target value of each class as an array, ordered by class number.

    ``numbers`` holds the class number of each value in ``values``. Values of types that JSON cannot represent, such as
    dates, are converted to text.
    """
    first = np.unique(numbers, return_index=True)[1]
    cells = [values[int(row)].as_py() for row in first]
    return np.asarray([cell if isinstance(cell, bool | int | float | str) else str(cell) for cell in cells])
