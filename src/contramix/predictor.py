"""A fine-tuned model: a pre-trained one with a head that predicts. Saved without pickle."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from jaxtyping import Float, Shaped
from numpy import ndarray
from pydantic import ValidationError, model_validator
from pydantic_core import PydanticCustomError
from torch import nn

from contramix import checkpoint, durable
from contramix.errors import InputError
from contramix.evaluation.comparison import records
from contramix.evaluation.protocol import draw_labels
from contramix.evaluation.task import Kind, Task
from contramix.finetune_settings import DEFAULT, FineTune
from contramix.finetuning import Watch, fine_tune
from contramix.pretrained import Pretrained, fill, finite, make_folder
from contramix.run_folder import check_place as check_writable
from contramix.samples import take
from contramix.settings import Settings
from contramix.tuned import Tuned

HEAD = "head.safetensors"


def check_place(folder: Path) -> None:
    """Refuse, without a trace, a folder in which a fine-tuned model would overwrite something else.

    Raises
    ------
    InputError
        If it holds anything but an earlier fine-tuned model, or cannot be written.
    """
    check_writable(folder)
    if folder.is_dir() and any(folder.iterdir()) and not (folder / HEAD).is_file():
        raise InputError(f"--out {folder}: holds a run or another model, which would be lost; give a new folder")


class _Predicts(Settings):
    """What config.json tells of the head."""

    kind: Kind
    target: str
    classes: tuple[str, ...]
    labels: tuple[bool | int | float | str, ...]
    mean: float
    scale: float
    sha256: str

    @model_validator(mode="after")
    def _fits(self) -> "_Predicts":
        if len(self.labels) != len(self.classes):
            raise PydanticCustomError("labels", "as many labels as classes are expected")
        return self


@dataclass(kw_only=True)
class Predictor(Pretrained):
    """What turns data into predictions, and into the representations of the fine-tuned encoder.

    Parameters
    ----------
    tuned
        The encoder with its head.
    labels
        The classes as the user wrote them, in the order of ``tuned.task.classes``; empty for quantities.
    """

    tuned: Tuned
    labels: Shaped[ndarray, " C"]

    @classmethod
    def of(
        cls, model: Pretrained, tuned: Tuned, labels: Shaped[ndarray, " C"], facts: Mapping[str, Any] | None = None
    ) -> "Predictor":
        """The model with a fine-tuned encoder and its head."""
        known = {**model.facts, **(facts or {}), "finetuning": tuned.facts}
        return cls(model.recipe, model.spec, tuned.encoder, known, tuned=tuned, labels=labels)

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.tuned.task

    def scores(self, table: pa.Table) -> Float[ndarray, " n C"] | Float[ndarray, " n"]:
        """Probabilities of the classes for each row, or quantities, in order.

        Raises
        ------
        InputError
            If a column is missing or is of another kind than it was, or values are so large that they overflow.
        """
        return finite(self.tuned.scores(self.spec.tensorize(table)), what="prediction")

    def decide(self, scores: Float[ndarray, " n *C"]) -> Shaped[ndarray, " n"]:
        """The most probable label of each row, or the quantities as they are."""
        return scores if self.task.kind == "regression" else self.labels[scores.argmax(1)]

    @property
    def result_names(self) -> list[str]:
        """The columns of a result: ``prediction``, and ``p_<class>`` for each class."""
        return ["prediction", *(f"p_{name}" for name in self.task.classes)]

    def predict(self, table: pa.Table) -> dict[str, pa.Array]:
        """The prediction for each row, and the probability of each class, as columns."""
        scores = self.scores(table)
        shares = scores.T if self.task.classes else ()
        values = [self.decide(scores), *shares]
        return {name: pa.array(np.ascontiguousarray(v)) for name, v in zip(self.result_names, values)}

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write what :meth:`Pretrained.save` writes, and head.safetensors.

        Raises
        ------
        InputError, RunError
            If the folder cannot be written, or is full.
        """
        weights = checkpoint.to_bytes(dict(checkpoint.unique_state(self.tuned.head)), {})
        made = _Predicts(
            kind=self.task.kind,
            target=self.task.target,
            classes=self.task.classes,
            labels=tuple(self.labels.tolist()),
            mean=self.tuned.mean,
            scale=self.tuned.scale,
            sha256=hashlib.sha256(weights).hexdigest(),
        )
        self.facts["predicts"] = made.model_dump(mode="json")
        durable.write(make_folder(folder) / HEAD, weights)
        super().save(folder)

    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str],
        device: torch.device | str = "cpu",
        encoder: nn.Module | None = None,
    ) -> "Predictor":
        """Read what :meth:`save` wrote; parameters are those of :meth:`Pretrained.load`.

        Raises
        ------
        InputError
            If it is not a whole model of a known format, or was not fine-tuned.
        """
        return cls.from_pretrained(Pretrained.load(folder, device, encoder), Path(folder))

    @classmethod
    def from_pretrained(cls, model: Pretrained, folder: Path) -> "Predictor":
        """Add the head that lies in a model's folder."""
        if "predicts" not in model.facts:
            raise InputError(
                f"{folder}: holds an encoder, which predicts nothing yet; fine-tune it first: contramix finetune "
                f"{folder} DATA --target COLUMN --out MODEL"
            )
        try:
            found = _Predicts.model_validate_json(json.dumps(model.facts["predicts"]))
        except ValidationError as error:
            raise InputError(
                f"{folder / 'config.json'}: not what fine-tuning writes: {error.errors()[0]['msg']}; {checkpoint.MEND}"
            ) from error
        with torch.random.fork_rng(devices=[]):
            task = Task(found.kind, found.target, found.classes)
            tuned = Tuned(model.encoder, task, found.mean, found.scale)
        fill(tuned.head, folder / HEAD, found.sha256)
        tuned.facts = model.facts.get("finetuning", {})
        device = next(model.encoder.parameters()).device
        labels = np.asarray(found.labels)
        return cls(model.recipe, model.spec, model.encoder, model.facts, tuned=tuned.to(device).eval(), labels=labels)


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
    watch: Watch | None = None,
    told: Callable[[str], None] = lambda _: None,
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
    where, watch, told
        What messages call the rows; shows the steps; gets a line on rows that are left out.

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
            told(f"{missing:,} of {table.num_rows:,} rows have no {target!r} and are left out")
            table = table.filter(known)
    data = records(model.spec, table, target, kind=kind, where=where)
    task, rows = data.task, np.arange(len(data.y))
    if labels_per_class is not None:
        if task.kind == "regression":
            raise InputError(f"--labels-per-class: target {target!r} is a quantity, which has no classes")
        rows = draw_labels(data.y, rows, labels_per_class, seed)
    x, y = take(data.x, torch.from_numpy(rows)), data.y[rows]
    tuned = fine_tune(model.encoder, x, y, task, settings, seed=seed, device=device, watch=watch)
    tuned.facts["training_score"] = tuned.score(x, y)
    labels = _as_written(table.column(target), data.y) if task.classes else np.empty(0)
    return Predictor.of(model, tuned, labels)


def _as_written(values: pa.ChunkedArray, numbers: ndarray) -> Shaped[ndarray, " C"]:
    """Each class as a cell of the column has it, by class number; what JSON does not know, as text."""
    first = np.unique(numbers, return_index=True)[1]
    cells = [values[int(row)].as_py() for row in first]
    return np.asarray([cell if isinstance(cell, bool | int | float | str) else str(cell) for cell in cells])
