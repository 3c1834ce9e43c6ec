"""A fine-tuned model: a pre-trained one with a head that predicts. Saved without pickle."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Shaped
from numpy import ndarray
from pydantic import ValidationError, model_validator
from pydantic_core import PydanticCustomError
from torch import nn

from contramix.errors import InputError
from contramix.models.fine_tuned_network import Tuned
from contramix.models.inference import finite
from contramix.models.pretrained import Pretrained, fill, make_folder
from contramix.models.task import Kind, Task
from contramix.runtime import atomic_files
from contramix.settings import Settings
from contramix.training import checkpoint

HEAD = "head.safetensors"


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
        atomic_files.write(make_folder(folder) / HEAD, weights)
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
                f"{folder}: holds an encoder, which predicts nothing yet; fine-tune it first, with "
                f"'contramix finetune {folder}' or ContrastiveClassifier(pretrained={str(folder)!r})"
            )
        try:
            found = _Predicts.model_validate_json(json.dumps(model.facts["predicts"]))
        except ValidationError as error:
            reason = f"not what fine-tuning writes: {error.errors()[0]['msg']}"
            raise InputError(f"{folder / 'config.json'}: {reason}; {checkpoint.REPAIR_HINT}") from error
        with torch.random.fork_rng(devices=[]):
            task = Task(found.kind, found.target, found.classes)
            tuned = Tuned(model.encoder, task, found.mean, found.scale)
        fill(tuned.head, folder / HEAD, found.sha256)
        tuned.facts = model.facts.get("finetuning", {})
        device = next(model.encoder.parameters()).device
        labels = np.asarray(found.labels)
        return cls(model.recipe, model.spec, model.encoder, model.facts, tuned=tuned.to(device).eval(), labels=labels)
