"""What a column is: learned from the training rows, it turns an Arrow array into float32 elements of a row."""

from abc import abstractmethod
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64
from numpy import ndarray

from contramix.domains.table.canonical import in_words
from contramix.errors import InputError
from contramix.settings import Settings


class Element(NamedTuple):
    """One number of a row: what it is, and its range among the training rows."""

    role: Literal["quantity", "level", "flag", "code"]
    low: float = 0.0
    high: float = 1.0


class Column(Settings):
    """One column of the input."""

    name: str
    missing: bool = False
    """Whether the training rows had missing values: then an element says where."""

    @property
    @abstractmethod
    def elements(self) -> list[Element]:
        """What the column becomes."""

    @property
    def blend(self) -> bool:
        """Whether two of its values may be averaged."""
        return False

    @property
    def missing_at(self) -> int:
        """Which of its elements is 1 where there is no value; -1 for none."""
        return len(self.elements) - 1 if self.missing else -1

    @abstractmethod
    def encode(self, values: pa.Array, infinite: str) -> Float32[ndarray, " n width"]:
        """Values to elements.

        Raises
        ------
        InputError
            If the column's kind is not what it was, or a value cannot be a number.
        """

    def changed(self, values: pa.Array, was: str) -> InputError:
        """What to say of values of another kind."""
        example = next((v for v in values.slice(0, 1000).to_pylist() if v is not None), None)
        return InputError(
            f"column {self.name!r} was {was} when the model was trained and is {in_words(values.type)} now "
            f"(for example {example!r})"
        )


def quantities(column: Column, values: pa.Array, was: str, infinite: str) -> Float64[ndarray, " n"]:
    """Numbers in float64, NaN where there is none.

    Raises
    ------
    InputError
        If they are no numbers, or infinite where that is an error.
    """
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        if not pa.types.is_null(kind) and values.null_count < len(values):
            raise column.changed(values, was)
        return np.full(len(values), np.nan)
    numbers = values.cast(pa.uint8()) if pa.types.is_boolean(kind) else values
    out = np.array(numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    bad = np.isinf(out)
    if bad.any():
        if infinite == "error":
            row = int(bad.argmax())
            raise InputError(
                f"column {column.name!r}, row {row + 1}: infinite value ({int(bad.sum())} in all); "
                "mend the data, or set table.infinite = 'missing'"
            )
        out[bad] = np.nan
    return out


def with_flag(parts: list[ndarray], absent: ndarray, missing: bool) -> Float32[ndarray, " n width"]:
    return np.stack([*parts, *([absent] if missing else [])], axis=1).astype(np.float32)
