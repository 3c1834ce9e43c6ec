"""Define what is learned of a column, and how its values become float32 elements of a row."""

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
    """Describe one number of a row's vector, and its range in the training rows.

    Parameters
    ----------
    role : {"number", "category", "flag", "code"}
        A numeric value; one element of a one-hot encoding, or a boolean; a flag for missing values; the index of a
        learned vector.
    low, high : float
        Minimum and maximum in the training rows.
    """

    role: Literal["number", "category", "flag", "code"]
    low: float = 0.0
    high: float = 1.0


class InputColumn(Settings):
    """Hold what was learned of one input column.

    Parameters
    ----------
    name
        The column's name.
    missing
        Whether the training rows have missing values. If so, an element flags them.
    """

    name: str
    missing: bool = False

    @property
    @abstractmethod
    def elements(self) -> list[Element]:
        """Return the elements that a value is encoded as."""

    @property
    def blend(self) -> bool:
        """Return whether two values of the column may be averaged."""
        return False

    @property
    def missing_at(self) -> int:
        """Return the position of the element that flags missing values; -1 if there is none."""
        return len(self.elements) - 1 if self.missing else -1

    @abstractmethod
    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first_row: int) -> None:
        """Encode values as elements.

        Parameters
        ----------
        values
            One value per row.
        out
            The array that is written to; it holds zeros.
        infinite
            Whether infinite values are an ``"error"`` or ``"missing"``.
        first_row
            Number of rows that precede these, for error messages.

        Raises
        ------
        InputError
            If the values are of another kind than in training, or invalid.
        """

    def kind_changed_error(self, values: pa.Array, before: str) -> InputError:
        """Return the error for values of another kind than in training, which was ``before``."""
        example = next((v for v in values.slice(0, 1000).to_pylist() if v is not None), None)
        return InputError(
            f"column {self.name!r} was {before} when the model was trained and is {describe_type(values.type)} now "
            f"(for example {example!r})"
        )


def as_numbers(
    column: InputColumn, values: pa.Array, before: str, infinite: str, first_row: int
) -> Float64[ndarray, " n"]:
    """Convert values to float64, with NaN for missing ones. The result must not be written to.

    Parameters
    ----------
    column, values
        The column, and one value per row.
    before
        The column's kind in training, for error messages.
    infinite, first_row
        As in :meth:`InputColumn.encode`.

    Raises
    ------
    InputError
        If they are not numbers, or are infinite and that is an error.
    """
    values_type = values.type
    numeric = pa.types.is_integer(values_type) or pa.types.is_floating(values_type) or pa.types.is_boolean(values_type)
    if not numeric:
        if not pa.types.is_null(values_type) and values.null_count < len(values):
            raise column.kind_changed_error(values, before)
        return np.full(len(values), np.nan)
    numbers = values.cast(pa.uint8()) if pa.types.is_boolean(values_type) else values
    out: ndarray = numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if pa.types.is_floating(values_type) and (bad := np.isinf(out)).any():
        if infinite == "error":
            raise InputError(
                f"column {column.name!r}, row {first_row + int(bad.argmax()) + 1}: infinite value; "
                "correct the data, or set table.infinite = 'missing'"
            )
        out = np.where(bad, np.nan, out)
    return out


def one_chunk(values: pa.ChunkedArray) -> pa.Array:
    """Combine the chunks of a column into one array, without a copy if there is one chunk."""
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
