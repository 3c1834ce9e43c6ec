"""Define the interface of an input column: its learned statistics, and the encoding of values as float32 elements."""

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
    """Describe one element of a row's vector: its role, and the range of its values in the training rows.

    Parameters
    ----------
    role : {"number", "category", "flag", "code"}
        ``"number"``: a numeric value. ``"category"``: a boolean, or one element of a one-hot encoding. ``"flag"``: 1 if
        the column's value is missing, else 0. ``"code"``: an integer that stands for a category.
    low, high : float
        Minimum and maximum of the encoded values in the training rows. They are 0 and 1 for
        categories and flags, and have no meaning for codes.
    """

    role: Literal["number", "category", "flag", "code"]
    low: float = 0.0
    high: float = 1.0


class InputColumn(Settings):
    """Encode the values of one input column as elements of a row's vector, with statistics of the training rows.

    Parameters
    ----------
    name
        The column's name.
    missing
        Whether the column has missing values in the training rows.
    """

    name: str
    missing: bool = False

    @property
    @abstractmethod
    def elements(self) -> list[Element]:
        """Return a description of each element that encodes a value of this column, in order."""

    @property
    def blend(self) -> bool:
        """Return whether encoded values may be averaged when rows are mixed; if not, one row's value is copied."""
        return False

    @property
    def missing_at(self) -> int:
        """Return the position, among the column's elements, of the missing-value flag; -1 if there is none."""
        return len(self.elements) - 1 if self.missing else -1

    @abstractmethod
    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first_row: int) -> None:
        """Encode values as float32 elements, and write them to ``out``.

        Parameters
        ----------
        values
            One value per row.
        out
            Array of zeros with one row per value and one column per element; it is changed in place.
        infinite
            ``"error"``: infinite values raise an error. ``"missing"``: they count as missing.
        first_row
            Number of earlier rows in the file, which error messages add to row numbers.

        Raises
        ------
        InputError
            If the column has another type than in training, or a value is invalid.
        """

    def kind_changed_error(self, values: pa.Array, before: str) -> InputError:
        """Create the error for values whose type differs from training.

        The caller raises the error. ``before`` is the type in training as it reads in the message "column 'a' was
        numeric when the model was trained", such as ``"numeric"`` or ``"a date"``.
        """
        example = next((v for v in values.slice(0, 1000).to_pylist() if v is not None), None)
        return InputError(
            f"column {self.name!r} was {before} when the model was trained and is {describe_type(values.type)} now "
            f"(for example {example!r})"
        )


def as_numbers(
    column: InputColumn, values: pa.Array, before: str, infinite: str, first_row: int
) -> Float64[ndarray, " n"]:
    """Convert numbers or booleans to float64, with NaN for missing values. The result may be read-only.

    Parameters
    ----------
    column
        The column, whose name appears in error messages.
    values
        One value per row.
    before
        Name of the column's type in training for error messages, such as ``"numeric"``.
    infinite
        ``"error"``: infinite values raise an error. ``"missing"``: they become NaN.
    first_row
        Number of earlier rows in the file, which error messages add to row numbers.

    Raises
    ------
    InputError
        If the values are not numbers, or if one is infinite and ``infinite`` is ``"error"``.
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
    """Combine the chunks of a column into one array. A single chunk is returned without a copy."""
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
