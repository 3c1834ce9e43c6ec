"""Define the base class of models that predict a target column from tables, and what they save of the target."""

import json
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Shaped
from numpy import ndarray
from pydantic import ValidationError, model_validator
from pydantic_core import PydanticCustomError

from contramix.errors import InputError
from contramix.models.pretrained import Pretrained
from contramix.models.task import Kind, Task
from contramix.settings import Settings
from contramix.training import checkpoint

Config = TypeVar("Config", bound="TargetConfig")


class TargetConfig(Settings):
    """Describe what a model predicts, as config.json stores it under ``predicts``.

    Parameters
    ----------
    kind
        ``"classification"`` or ``"regression"``.
    target
        Name of the predicted column.
    classes
        Classes as text, in the order of the model's outputs; empty for a regression.
    labels
        The same classes, in the same order, as values of the target column's type, such as integers.
    sha256
        SHA-256 checksum of the file that holds what was learned from labels.
    """

    kind: Kind
    target: str
    classes: tuple[str, ...]
    labels: tuple[bool | int | float | str, ...]
    sha256: str

    @model_validator(mode="after")
    def _check_labels(self) -> "TargetConfig":
        if len(self.labels) != len(self.classes):
            raise PydanticCustomError("labels", "as many labels as classes are expected")
        return self

    @property
    def task(self) -> Task:
        """Return the task: classification or regression, the target column, and the classes."""
        return Task(self.kind, self.target, self.classes)

    @classmethod
    def read(cls: type[Config], model: Pretrained, folder: Path) -> Config:
        """Read the description from the facts of a loaded model; ``folder`` is its folder, for error messages.

        Raises
        ------
        InputError
            If an entry is missing or invalid.
        """
        try:
            return cls.model_validate_json(json.dumps(model.facts["predicts"]))
        except ValidationError as error:
            reason = f"not what training on labels writes: {error.errors()[0]['msg']}"
            raise InputError(f"{folder / 'config.json'}: {reason}; {checkpoint.REPAIR_HINT}") from error


@dataclass(kw_only=True)
class Predictor(Pretrained):
    """Predict a target column from tables, and compute representations of their rows.

    The base class takes ``recipe`` (settings of pre-training), ``spec`` (specification of the input data), ``encoder``
    and ``facts`` (further entries of config.json).

    Parameters
    ----------
    labels
        Classes as values of the target column's type, such as integers, in the order of ``task.classes``, which holds
        them as text. Predictions are these values. Empty for a numeric target.
    """

    labels: Shaped[ndarray, " C"]

    @property
    @abstractmethod
    def task(self) -> Task:
        """Return the task of the model: classification or regression, the target column, and the classes."""

    @abstractmethod
    def scores(self, table: pa.Table) -> Float[ndarray, " n C"] | Float[ndarray, " n"]:
        """Return class probabilities of shape (n, C) for the n rows of a table, or n numeric predictions.

        Raises
        ------
        InputError
            If a column is missing or has another type than in training, or values are so large that they overflow.
        """

    def decide(self, scores: Float[ndarray, " n *C"]) -> Shaped[ndarray, " n"]:
        """Return the most probable label of each row, given the class probabilities that :meth:`scores` returns.

        Numeric predictions are returned unchanged.
        """
        return scores if self.task.kind == "regression" else self.labels[scores.argmax(1)]

    @property
    def result_names(self) -> list[str]:
        """Return the column names of predictions, such as ``["prediction", "p_cat", "p_dog"]`` for two classes.

        For a numeric target the only column is ``prediction``.
        """
        return ["prediction", *(f"p_{name}" for name in self.task.classes)]

    def predict(self, table: pa.Table) -> dict[str, pa.Array]:
        """Predict the target for the rows of a table; return Arrow arrays by column name.

        The column ``prediction`` holds the predicted labels or numeric values. For classification there is also a
        column with the probability of each class, such as ``p_cat``.
        """
        scores = self.scores(table)
        probabilities = scores.T if self.task.classes else ()
        values = [self.decide(scores), *probabilities]
        return {name: pa.array(np.ascontiguousarray(v)) for name, v in zip(self.result_names, values)}
