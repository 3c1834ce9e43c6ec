"""Decide whether a target column is classified or regressed, and encode its values."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float64, Int64, Shaped
from numpy import ndarray

from contramix.errors import InputError, nearest
from contramix.io.tables.canonical import describe_type

MAX_INTEGER_CLASSES = 50
"""Maximum number of distinct integers in a target column that are treated as classes; with more, the target is
numeric."""

Kind = Literal["classification", "regression"]


@dataclass(frozen=True)
class Task:
    """Describe what a model predicts.

    Parameters
    ----------
    kind
        ``"classification"`` or ``"regression"``.
    target
        Name of the target column.
    classes
        Classes as text, in the order of their class numbers; empty for a regression.
    """

    kind: Kind
    target: str
    classes: tuple[str, ...] = ()

    def encode(self, values: pa.Array, where: str) -> Int64[ndarray, " n"] | Float64[ndarray, " n"]:
        """Encode a target column: return class numbers (int64), or the values of a numeric target (float64).

        Parameters
        ----------
        values
            Values of the target column.
        where
            Name of the data in error messages.

        Raises
        ------
        InputError
            If a value is missing, or a class is not among those of the training rows.
        """
        _require_all(self.target, values, where)
        if self.kind == "regression":
            if not _is_number(values):
                raise InputError(
                    f"{where}: target {self.target!r} is {describe_type(values.type)} here but a number in the "
                    "training rows"
                )
            return np.array(values.cast(pa.float64(), safe=False))
        numbers = {label: n for n, label in enumerate(self.classes)}
        labels = _labels(values)
        unknown = sorted(set(labels) - numbers.keys())
        if unknown:
            raise InputError(
                f"{where}: target {self.target!r} has the class {unknown[0]!r}, which the training rows do not have; "
                f"{nearest(unknown[0], self.classes)}"
            )
        return np.array([numbers[label] for label in labels], dtype=np.int64)

    def per_row_scores(self, truth: ndarray, predicted: ndarray) -> Float64[ndarray, " n"]:
        """Score the prediction of each row. The mean of the scores is the accuracy, or R squared for a regression.

        In classification a row scores 1 if its class is correct, else 0. In regression it scores
        ``1 - error^2 / variance``, where ``variance`` is that of all true values (1 if they are all the same).

        Parameters
        ----------
        truth, predicted
            True and predicted class numbers, or true and predicted numeric values.
        """
        if self.kind == "classification":
            return np.asarray(truth == predicted, dtype=np.float64)
        variance = float(np.var(truth))
        return np.asarray(1 - (truth - predicted) ** 2 / (variance if variance > 0 else 1.0), dtype=np.float64)


class Predictions(NamedTuple):
    """Store the predictions of a probe or baseline for ``m`` test rows.

    Parameters
    ----------
    value
        Predicted class numbers, or predicted values of a numeric target.
    score
        Score of each class, where higher means more likely. Columns are in the order of ``task.classes``. None for a
        numeric target, or if the predictor has no class scores.
    chosen
        Setting that the predictor chose, as text such as ``C = 10``; empty if there was nothing to choose.
    """

    value: Shaped[ndarray, " m"]
    score: Float[ndarray, " m C"] | None = None
    chosen: str = ""


def find_task(target: str, values: pa.Array, where: str, kind: Kind | None = None) -> Task:
    """Decide by the values of a target column whether the task is classification or regression.

    A target of text or booleans is classified. A target of whole numbers is classified if it has at most 50 distinct
    values. All other numeric targets are predicted by regression.

    Parameters
    ----------
    target, values
        Name of the target column, and its values.
    where
        Name of the data in error messages.
    kind
        ``"classification"`` or ``"regression"``; None: decided by the values.

    Raises
    ------
    InputError
        If values are missing or do not suit the kind, there are fewer than two distinct values, or there are so many
        classes that the column seems to be an identifier.
    """
    _require_all(target, values, where)
    if kind is None:
        kind = "classification" if _few_integers(values) else "regression"
    if kind == "regression":
        if not _is_number(values):
            raise InputError(
                f"{where}: target {target!r} is {describe_type(values.type)}, not a number; use "
                "`task='classification'`, or write it as a number"
            )
        numbers = np.array(values.cast(pa.float64(), safe=False))
        if np.ptp(numbers) == 0:
            raise InputError(f"{where}: target {target!r} has one value only ({numbers[0]:g})")
        return Task("regression", target)
    classes = tuple(sorted(set(_labels(values)), key=_order))
    if len(classes) < 2:
        raise InputError(f"{where}: target {target!r} has one class only ({classes[0]!r}); there is nothing to predict")
    if len(classes) > len(values) / 2:
        hint = (
            "for a numeric target: `task='regression'`" if _is_number(values) else "write a numeric target as numbers"
        )
        raise InputError(
            f"{where}: target {target!r} has {len(classes)} classes in {len(values)} rows; is it an identifier? "
            f"({hint})"
        )
    return Task("classification", target, classes)


def _is_number(values: pa.Array) -> bool:
    return bool(pa.types.is_floating(values.type) or pa.types.is_integer(values.type))


def _few_integers(values: pa.Array) -> bool:
    if not _is_number(values):
        return True
    numbers = np.array(values.cast(pa.float64(), safe=False))
    return bool((numbers % 1 == 0).all()) and len(np.unique(numbers)) <= MAX_INTEGER_CLASSES


def _labels(values: pa.Array) -> list[str]:
    if pa.types.is_floating(values.type):
        return [str(int(v)) if v.is_integer() else repr(v) for v in values.to_pylist()]
    return [str(v) for v in values.to_pylist()]


def _order(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def _require_all(target: str, values: pa.Array, where: str) -> None:
    if values.null_count:
        row = values.is_null().to_pylist().index(True) + 1
        raise InputError(
            f"{where}: target {target!r} is missing in {values.null_count} of {len(values)} rows (first: row {row}); "
            "leave those rows out"
        )
    if pa.types.is_floating(values.type):
        infinite = np.isinf(np.array(values.cast(pa.float64())))
        if infinite.any():
            row = int(infinite.argmax()) + 1
            raise InputError(f"{where}: target {target!r}, row {row}: infinite value; leave the row out, or correct it")
