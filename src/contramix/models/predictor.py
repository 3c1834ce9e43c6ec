"""Define the base class of models that predict a target column from tables, and what they save of the target."""

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float64, Int, Shaped
from numpy import ndarray
from pydantic import ValidationError, model_validator
from pydantic_core import PydanticCustomError

from contramix.errors import InputError
from contramix.models.class_shares import adjust_probabilities, check_class_prior, estimate_shares
from contramix.models.pretrained import Pretrained
from contramix.models.task import Kind, Task
from contramix.settings import Settings
from contramix.training import checkpoint

MAX_ESTIMATED = 5000
"""Maximum number of rows from which class shares are estimated."""
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
    shares, prior
        Share of each class in training, and in the rows to predict, as in :class:`Predictor`.
    """

    kind: Kind
    target: str
    classes: tuple[str, ...]
    labels: tuple[bool | int | float | str, ...]
    sha256: str
    shares: tuple[float, ...] | None = None
    prior: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _check_labels(self) -> "TargetConfig":
        if len(self.labels) != len(self.classes):
            raise PydanticCustomError("labels", "as many labels as classes are expected")
        if any(len(shares or self.classes) != len(self.classes) for shares in (self.shares, self.prior)):
            raise PydanticCustomError("shares", "as many shares as classes are expected")
        return self

    @property
    def task(self) -> Task:
        """Return the task: classification or regression, the target column, and the classes."""
        return Task(self.kind, self.target, self.classes)

    @property
    def class_facts(self) -> dict[str, Any]:
        """Return what a :class:`Predictor` takes of the description: ``labels``, ``shares`` and ``prior``."""
        shares, prior = (None if found is None else np.asarray(found) for found in (self.shares, self.prior))
        return {"labels": np.asarray(self.labels), "shares": shares, "prior": prior}

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
    shares
        Share of each class among the labeled rows, weighted as in the loss; None if it is not known, because version
        0.1 made the model, or for a numeric target.
    prior
        Share of each class in the rows to predict, to which class probabilities are adjusted; None: as in ``shares``.
    """

    labels: Shaped[ndarray, " C"]
    shares: Float[ndarray, " C"] | None = None
    prior: Float[ndarray, " C"] | None = None

    @property
    @abstractmethod
    def task(self) -> Task:
        """Return the task of the model: classification or regression, the target column, and the classes."""

    @abstractmethod
    def _unadjusted_scores(self, table: pa.Table) -> Float[ndarray, " n C"] | Float[ndarray, " n"]:
        """Return class probabilities for the class shares of the labeled rows, or numeric predictions."""

    def scores(self, table: pa.Table) -> Float[ndarray, " n C"] | Float[ndarray, " n"]:
        """Return class probabilities of shape (n, C) for the n rows of a table, or n numeric predictions.

        Raises
        ------
        InputError
            If a column is missing or has another type than in training, or values are so large that they overflow.
        """
        found = self._unadjusted_scores(table)
        if self.prior is None or self.shares is None:
            return found
        return adjust_probabilities(found, self.shares, self.prior)

    def check_prior(self, prior: Mapping[Any, float] | str) -> Float64[ndarray, " C"] | None:
        """Return the share of each class that a user has given; None for ``"estimate"``.

        Raises
        ------
        InputError
            If the shares are invalid, the target is numeric, or the shares in training are not known.
        """
        found = check_class_prior(prior, self.task.classes, self.labels)
        if self.shares is None:
            raise InputError(
                "`class_prior`: the model has no class shares of its labeled rows, because it was saved by version "
                "0.1; train it again"
            )
        return found

    def estimate_prior(self, table: pa.Table, rows: Int[ndarray, " n"]) -> None:
        """Set ``prior`` to the class shares that are estimated from rows without labels.

        Parameters
        ----------
        table
            Table with the columns of the training table.
        rows
            Row numbers of the rows without labels, at least one. At most 5,000 of them, evenly spaced, are used.
        """
        some = table.take(pa.array(rows[:: -(-len(rows) // MAX_ESTIMATED)]))
        now = self.shares if self.prior is None else self.prior
        assert now is not None  # noqa: S101
        self.prior = estimate_shares(self.scores(some), now)

    def target_config(self) -> dict[str, Any]:
        """Return the fields of :class:`TargetConfig` except for the checksum."""
        shares, prior = (None if found is None else tuple(found.tolist()) for found in (self.shares, self.prior))
        return {
            **{"kind": self.task.kind, "target": self.task.target, "classes": self.task.classes},
            **{"labels": tuple(self.labels.tolist()), "shares": shares, "prior": prior},
        }

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

    def predict(self, table: pa.Table, class_prior: Mapping[Any, float] | str | None = None) -> dict[str, pa.Array]:
        """Predict the target for the rows of a table; return Arrow arrays by column name.

        The column ``prediction`` holds the predicted labels or numeric values. For classification there is also a
        column with the probability of each class, such as ``p_cat``. ``class_prior`` gives the share of each class in
        these rows, or ``"estimate"``; None: as in training, or as in ``prior``.
        """
        new = None if class_prior is None else self.check_prior(class_prior)
        scores, now = self.scores(table), self.shares if self.prior is None else self.prior
        if class_prior is not None and now is not None:
            scores = adjust_probabilities(scores, now, estimate_shares(scores, now) if new is None else new)
        probabilities = scores.T if self.task.classes else ()
        values = [self.decide(scores), *probabilities]
        return {name: pa.array(np.ascontiguousarray(v)) for name, v in zip(self.result_names, values)}
