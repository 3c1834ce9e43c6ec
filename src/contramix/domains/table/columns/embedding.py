"""Encode columns of vectors, such as the embeddings of texts or images by another model."""

from typing import Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float32
from numpy import ndarray

from contramix.domains.table.columns.column import Element, InputColumn
from contramix.errors import InputError


class Embedding(InputColumn):
    """Encode vectors of one length, which are centered and divided by one scale.

    All numbers of a vector share a unit, so their relative sizes are kept. A missing vector is encoded as zeros. A
    last element flags missing vectors if the training rows have any.

    Parameters
    ----------
    mean
        Mean of each number in the training rows.
    scale
        Root mean square deviation of all numbers from their means.
    low, high
        Minimum and maximum of each encoded number in the training rows.
    source_columns
        Names of the columns of numbers that were combined into vectors; empty if the column held vectors.
    """

    kind: Literal["embedding"] = "embedding"
    mean: tuple[float, ...]
    scale: float
    low: tuple[float, ...]
    high: tuple[float, ...]
    source_columns: tuple[str, ...] = ()

    @property
    def elements(self) -> list[Element]:
        numbers = [Element("number", low, high) for low, high in zip(self.low, self.high)]
        return [*numbers, *([Element("flag")] if self.missing else [])]

    @property
    def blend(self) -> bool:
        return True

    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first_row: int) -> None:
        if not pa.types.is_fixed_size_list(values.type):
            if values.null_count < len(values):
                raise self.kind_changed_error(values, f"vectors of {len(self.mean):,} numbers")
            out[:, len(self.mean) :] = 1
            return
        if values.type.list_size != len(self.mean):
            raise InputError(
                f"column {self.name!r} held vectors of {len(self.mean):,} numbers when the model was trained, and now "
                f"holds vectors of {values.type.list_size:,}"
            )
        present = np.asarray(values.is_valid())
        vectors = finite_vectors(self.name, values, first_row)
        out[present, : len(self.mean)] = (vectors - np.asarray(self.mean, np.float32)) / np.float32(self.scale)
        if self.missing:
            out[:, -1] = ~present


def finite_vectors(name: str, values: pa.Array, first_row: int) -> Float32[ndarray, " m d"]:
    """Return the vectors of a column that are not missing, as an array of shape (vectors, numbers).

    Parameters
    ----------
    name
        The column's name.
    values
        One vector per row, as an Arrow array of lists of one fixed size.
    first_row
        Number of earlier rows in the file, which error messages add to row numbers.

    Raises
    ------
    InputError
        If a number is missing or not finite.
    """
    present = values.drop_null()
    numbers = present.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    vectors: ndarray = numbers.reshape(len(present), values.type.list_size)
    bad = ~np.isfinite(vectors).all(1)
    if bad.any():
        row = int(np.flatnonzero(np.asarray(values.is_valid()))[bad.argmax()])
        raise InputError(
            f"column {name!r}, row {first_row + row + 1}: the vector holds a number that is missing or not finite; "
            "make the whole vector missing, or correct it"
        )
    return vectors
