"""Fine-tune a pre-trained model on the labeled rows of a table."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from jaxtyping import Shaped
from numpy import ndarray

from contramix.errors import InputError
from contramix.models.fine_tuned import HEAD_FILE, FineTunedModel
from contramix.models.finetune_settings import DEFAULT, FineTune
from contramix.models.finetuning import fine_tune
from contramix.models.labeled_records import LabelBudget, draw_labels, prepare_labeled_records
from contramix.models.pretrained import Pretrained
from contramix.models.task import Kind
from contramix.runs.folder import check_folder
from contramix.samples.samples import take
from contramix.training.reporter import SILENT, Reporter


def check_model_folder(folder: Path) -> None:
    """Check that a fine-tuned model can be saved to a folder. Nothing is written.

    Raises
    ------
    InputError
        If the folder holds something other than a fine-tuned model, or cannot be written.
    """
    check_folder(folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / HEAD_FILE).is_file():
        raise InputError(f"`out` {folder}: holds a run or another model, which would be lost; give a new folder")


def fine_tune_on(
    model: Pretrained,
    table: pa.Table,
    target: str,
    settings: FineTune = DEFAULT,
    *,
    kind: Kind | None = None,
    labels_per_class: int | None = None,
    seed: int = 0,
    device: str = "auto",
    where: str = "data",
    reporter: Reporter = SILENT,
) -> FineTunedModel:
    """Fine-tune a model on those rows of a table that have a target value.

    Parameters
    ----------
    model
        Pre-trained model. It is not changed.
    table
        Labeled rows, with the columns of the rows on which the model was trained. Rows without a label are left out.
    target
        Column to predict.
    settings, seed, device
        Settings of the training, seed of all random draws, and name of the device.
    kind
        ``"classification"`` or ``"regression"``; None: decided by the values of the target.
    labels_per_class
        Number of labeled rows that are drawn at random from each class; None: use all rows.
    where
        Name of the data in error messages, such as a file name.
    reporter
        Receives the training steps, and a note if rows are left out.

    Raises
    ------
    InputError
        If the target does not exist, has no values, or was an input in pre-training; or if rows cannot be used.
    RunError
        If the loss is not finite.
    """
    if target in table.column_names:
        known = table.column(target).is_valid()
        missing = table.num_rows - pc.sum(known).as_py()
        if missing == table.num_rows:
            raise InputError(f"{where}: target {target!r} is missing in all rows; give some that have it")
        if missing:
            reporter.note(f"{missing:,} of {table.num_rows:,} rows have no {target!r} and are left out")
            table = table.filter(known)
    data = prepare_labeled_records(model.spec, table, target, kind=kind, where=where)
    task, rows = data.task, np.arange(len(data.y))
    if labels_per_class is not None:
        if task.kind == "regression":
            raise InputError(f"`labels_per_class`: target {target!r} is a quantity, which has no classes")
        rows = draw_labels(data.y, rows, LabelBudget(labels_per_class), seed)
    x, y = take(data.x, torch.from_numpy(rows)), data.y[rows]
    network = fine_tune(model.encoder, x, y, task, settings, seed=seed, device=device, reporter=reporter)
    network.facts["training_score"] = network.score(x, y)
    labels = _class_labels(table.column(target), data.y) if task.classes else np.empty(0)
    return FineTunedModel.from_network(model, network, labels)


def _class_labels(values: pa.ChunkedArray, numbers: ndarray) -> Shaped[ndarray, " C"]:
    """Return the target value of each class as an array, ordered by class number.

    ``numbers`` holds the class number of each value in ``values``. Values of types that JSON cannot represent, such as
    dates, are converted to text.
    """
    first = np.unique(numbers, return_index=True)[1]
    cells = [values[int(row)].as_py() for row in first]
    return np.asarray([cell if isinstance(cell, bool | int | float | str) else str(cell) for cell in cells])
