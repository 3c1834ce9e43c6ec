"""Columns of levels: text, and numbers or booleans that are called levels."""

from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32
from numpy import ndarray
from numpy.lib.stride_tricks import as_strided

from contramix.domains.table.columns.column import Column, Element

UNKNOWN, MISSING, FIRST_LEVEL = 0, 1, 2
"""Codes of an embedded column: a level never (or once) seen, no value, and the first level."""


class Categorical(Column):
    """A text column of few or many different values (levels), in alphabetical order.

    ``onehot``: an element a level, all zero for one never seen, and an element for «missing» if there was any.
    ``code``: one element with a whole number, for which the encoder learns a vector.
    """

    kind: Literal["categorical"] = "categorical"
    levels: tuple[str, ...]
    store: Literal["onehot", "code"] = "onehot"
    numbers: bool = False
    """Whether the levels are numbers, called levels by ``table.categorical``."""

    @property
    def elements(self) -> list[Element]:
        if self.store == "code":
            return [Element("code")]
        return [Element("level")] * len(self.levels) + ([Element("flag")] if self.missing else [])

    @property
    def missing_at(self) -> int:
        return 0 if self.store == "code" else super().missing_at

    @property
    def codes(self) -> int:
        """How many codes there are."""
        return FIRST_LEVEL + len(self.levels)

    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first: int) -> None:
        if pa.types.is_null(values.type) or values.null_count == len(values):
            texts = pa.nulls(len(values), pa.large_string())
        elif pa.types.is_large_string(values.type):
            texts = values
        elif self.numbers and not pa.types.is_timestamp(values.type):
            texts = level_names(values)
        else:
            raise self.changed(values, "categorical text")
        found = pc.index_in(texts, pa.array(self.levels, pa.large_string()))
        place = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
        absent = texts.is_null().to_numpy(zero_copy_only=False)
        if self.store == "code":
            code = np.where(place >= 0, place + FIRST_LEVEL, UNKNOWN)
            out[:, 0] = np.where(absent, MISSING, code)
            return
        row_step, seen = out.strides[0] // out.itemsize, np.flatnonzero(place >= 0)
        line = as_strided(out, ((len(out) - 1) * row_step + out.shape[1],), (out.itemsize,))
        line[seen * row_step + place[seen]] = 1  # one index instead of two: several times as fast
        if self.missing:
            out[:, -1] = absent


def level_names(values: pa.Array) -> pa.Array:
    """Numbers and booleans as the names of levels: 3, 3.0 and «3» are one level, and so are true and 1."""
    if pa.types.is_large_string(values.type):
        return values
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int64())
    different = values.dictionary_encode()
    names = [str(int(v)) if v % 1 == 0 else repr(v) for v in different.dictionary.to_pylist()]
    return pa.array(names, pa.large_string()).take(different.indices)
