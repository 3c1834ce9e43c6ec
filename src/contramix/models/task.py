"""What is to be predicted: classes or a quantity, found out from the target column."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float64, Int64
from numpy import ndarray

from contramix.errors import InputError, nearest
from contramix.io.tables.canonical import describe_type

MOST_INTEGER_CLASSES = 50

Kind = Literal["classification", "regression"]


@dataclass(frozen=True)
class Task:
    """The kind of target, and its classes as text."""

    kind: Kind
    target: str
    classes: tuple[str, ...] = ()

    def encode(self, values: pa.Array, where: str) -> Int64[ndarray, " n"] | Float64[ndarray, " n"]:
        """Class numbers, or quantities.

        Raises
        ------
        InputError
            For a missing value, or a class that the training rows do not have.
        """
        _require_all(self.target, values, where)
        if self.kind == "regression":
            if not _is_number(values):
                raise InputError(
                    f"{where}: target {self.target!r} is {describe_type(values.type)} here and was a number in the "
                    "training rows"
                )
            return np.array(values.cast(pa.float64(), safe=False))
        place = {label: n for n, label in enumerate(self.classes)}
        labels = _labels(values)
        unknown = sorted(set(labels) - place.keys())
        if unknown:
            raise InputError(
                f"{where}: target {self.target!r} has the class {unknown[0]!r}, which the training rows do not have; "
                f"{nearest(unknown[0], self.classes)}"
            )
        return np.array([place[label] for label in labels], dtype=np.int64)

    def per_row_scores(self, truth: ndarray, predicted: ndarray) -> Float64[ndarray, " n"]:
        """What each row adds to the score; the score is their mean.

        Accuracy: 1 for a hit. R squared: ``1 - error^2 / variance``.
        """
        if self.kind == "classification":
            return np.asarray(truth == predicted, dtype=np.float64)
        variance = float(np.var(truth))
        return np.asarray(1 - (truth - predicted) ** 2 / (variance if variance > 0 else 1.0), dtype=np.float64)


def find_task(target: str, values: pa.Array, where: str, kind: Kind | None = None) -> Task:
    """The task that a target column sets.

    Text and booleans are classes; whole numbers of at most 50 different values too; other numbers are quantities.

    Raises
    ------
    InputError
        For missing values, or fewer than two different ones.
    """
    _require_all(target, values, where)
    if kind is None:
        kind = "classification" if _few_whole(values) else "regression"
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
        what = "for a quantity: `task='regression'`" if _is_number(values) else "a quantity is written as a number"
        raise InputError(
            f"{where}: target {target!r} has {len(classes)} classes in {len(values)} rows; is it an identifier? "
            f"({what})"
        )
    return Task("classification", target, classes)


def _is_number(values: pa.Array) -> bool:
    return bool(pa.types.is_floating(values.type) or pa.types.is_integer(values.type))


def _few_whole(values: pa.Array) -> bool:
    if not _is_number(values):
        return True
    numbers = np.array(values.cast(pa.float64(), safe=False))
    return bool((numbers % 1 == 0).all()) and len(np.unique(numbers)) <= MOST_INTEGER_CLASSES


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
            raise InputError(f"{where}: target {target!r}, row {row}: infinite value; leave the row out, or mend it")
