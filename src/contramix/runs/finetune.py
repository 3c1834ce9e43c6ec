"""Fine-tune a model on a table, and keep it in a folder."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from jaxtyping import Shaped
from numpy import ndarray

from contramix.errors import InputError
from contramix.models.fine_tuned import HEAD, Predictor
from contramix.models.finetune_settings import DEFAULT, FineTune
from contramix.models.finetuning import fine_tune
from contramix.models.labeled_records import draw_labels, prepare_labeled_records
from contramix.models.pretrained import Pretrained
from contramix.models.task import Kind
from contramix.runs.folder import check_place as check_writable
from contramix.samples.samples import take
from contramix.training.reporter import SILENT, Reporter


def check_place(folder: Path) -> None:
    """Refuse, without a trace, a folder in which a fine-tuned model would overwrite something else.

    Raises
    ------
    InputError
        If it holds anything but an earlier fine-tuned model, or cannot be written.
    """
    check_writable(folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / HEAD).is_file():
        raise InputError(f"`out` {folder}: holds a run or another model, which would be lost; give a new folder")


def finetuned_on(
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
) -> Predictor:
    """Fine-tune a model on the rows of a table whose target is there.

    Parameters
    ----------
    model, table, target
        What to begin with, the rows, and the column to predict.
    settings, seed, device
        How to train.
    kind
        Of the task; None: found out.
    labels_per_class
        Take so many labelled rows of each class, drawn by the seed.
    where
        What messages call the rows.
    reporter
        Receives the training steps, and a note if rows are left out.

    Raises
    ------
    InputError
        If the target is not there, is nowhere known, or was an input of pre-training; or for wrong rows.
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
        rows = draw_labels(data.y, rows, labels_per_class, seed)
    x, y = take(data.x, torch.from_numpy(rows)), data.y[rows]
    tuned = fine_tune(model.encoder, x, y, task, settings, seed=seed, device=device, reporter=reporter)
    tuned.facts["training_score"] = tuned.score(x, y)
    labels = _as_written(table.column(target), data.y) if task.classes else np.empty(0)
    return Predictor.of(model, tuned, labels)


def _as_written(values: pa.ChunkedArray, numbers: ndarray) -> Shaped[ndarray, " C"]:
    """Each class as a cell of the column has it, by class number; what JSON does not know, as text."""
    first = np.unique(numbers, return_index=True)[1]
    cells = [values[int(row)].as_py() for row in first]
    return np.asarray([cell if isinstance(cell, bool | int | float | str) else str(cell) for cell in cells])
