"""Encode columns of categories: text, and numbers or booleans that the user declares to be categories."""

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32
from numpy import ndarray
from numpy.lib.stride_tricks import as_strided

from contramix.domains.table.columns.column import Element, InputColumn

UNKNOWN, MISSING, FIRST_CATEGORY = 0, 1, 2
"""Integer codes of an unknown or rare category, of a missing value, and of the first category."""


class Categorical(InputColumn):
    """Encode categories as one-hot vectors, or as integer codes that index the encoder's embedding layer.

    Parameters
    ----------
    levels
        The categories, in alphabetical order. Categories that are not listed are unknown.
    store
        ``"onehot"``: one element per category, plus a missing-value flag if the training rows have missing values. An
        unknown category is all zeros. ``"code"``: a single element, the integer code: 0 for an unknown
        category, 1 for a missing value, and 2 or more for the known categories.
    numbers
        Whether the column holds numbers or booleans that the setting ``table.categorical`` declares to be categories.
    """

    kind: Literal["categorical"] = "categorical"
    levels: tuple[str, ...]
    store: Literal["onehot", "code"] = "onehot"
    numbers: bool = False

    @property
    def elements(self) -> list[Element]:
        if self.store == "code":
            return [Element("code")]
        return [Element("category")] * len(self.levels) + ([Element("flag")] if self.missing else [])

    @property
    def missing_at(self) -> int:
        return 0 if self.store == "code" else super().missing_at

    @property
    def code_count(self) -> int:
        """Return the number of integer codes: one per category, one for unknown categories, one for missing values."""
        return FIRST_CATEGORY + len(self.levels)

    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first_row: int) -> None:
        if pa.types.is_null(values.type) or values.null_count == len(values):
            texts = pa.nulls(len(values), pa.large_string())
        elif pa.types.is_large_string(values.type):
            texts = values
        elif self.numbers and not pa.types.is_timestamp(values.type):
            texts = category_names(values)
        else:
            raise self.kind_changed_error(values, "categorical text")
        found = pc.index_in(texts, pa.array(self.levels, pa.large_string()))
        index = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
        absent = texts.is_null().to_numpy(zero_copy_only=False)
        if self.store == "code":
            code = np.where(index >= 0, index + FIRST_CATEGORY, UNKNOWN)
            out[:, 0] = np.where(absent, MISSING, code)
            return
        row_step, known = out.strides[0] // out.itemsize, np.flatnonzero(index >= 0)
        flat = as_strided(out, ((len(out) - 1) * row_step + out.shape[1],), (out.itemsize,))
        flat[known * row_step + index[known]] = 1  # one index instead of two: several times as fast
        if self.missing:
            out[:, -1] = absent


def category_names(values: pa.Array) -> pa.Array:
    """Convert numbers or booleans to text: 3 and 3.0 become ``"3"``, True becomes ``"1"``. Text stays as it is."""
    if pa.types.is_large_string(values.type):
        return values
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int64())
    encoded = values.dictionary_encode()
    names = [str(int(v)) if v % 1 == 0 else repr(v) for v in encoded.dictionary.to_pylist()]
    return pa.array(names, pa.large_string()).take(encoded.indices)
