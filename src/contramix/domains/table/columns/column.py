"""What a column is: learned from the training rows, it turns an Arrow array into float32 elements of a row."""

from abc import abstractmethod
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64
from numpy import ndarray

from contramix.errors import InputError
from contramix.io.tables.canonical import describe_type
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
    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first: int) -> None:
        """Write values as elements into ``out``, which is zero.

        Raises
        ------
        InputError
            If the column's kind is not what it was, or a value cannot be a number; rows are counted from ``first``.
        """

    def changed(self, values: pa.Array, was: str) -> InputError:
        """What to say of values of another kind."""
        example = next((v for v in values.slice(0, 1000).to_pylist() if v is not None), None)
        return InputError(
            f"column {self.name!r} was {was} when the model was trained and is {describe_type(values.type)} now "
            f"(for example {example!r})"
        )


def quantities(column: Column, values: pa.Array, was: str, infinite: str, first: int) -> Float64[ndarray, " n"]:
    """Numbers in float64, NaN where there is none; not to be written to.

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
    out: ndarray = numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(kind) and (bad := np.isinf(out)).any():
        if infinite == "error":
            raise InputError(
                f"column {column.name!r}, row {first + int(bad.argmax()) + 1}: infinite value; "
                "mend the data, or set table.infinite = 'missing'"
            )
        out = np.where(bad, np.nan, out)
    return out


def one_chunk(values: pa.ChunkedArray) -> pa.Array:
    """A column's values as one array, not copied where they are one already."""
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
