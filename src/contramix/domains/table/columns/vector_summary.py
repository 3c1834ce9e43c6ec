"""Summarize columns of vectors chunk by chunk."""

import numpy as np
import pyarrow as pa
from numpy import ndarray

from contramix.domains.spec import LeftOut
from contramix.domains.table.columns.embedding import Embedding, finite_vectors
from contramix.domains.table.columns.summaries import ColumnSummary
from contramix.domains.table.settings import TableSettings
from contramix.errors import InputError


class VectorSummary(ColumnSummary):
    """Collect the mean, deviation and range of each number of a column of vectors, which becomes an :class:`Embedding`.

    Sums are taken of differences from the first vector, so that rounding does not matter if the means are large.

    Parameters
    ----------
    name, settings
        Name of the column, and how the columns of the table are encoded.
    source_columns
        Names of the columns of numbers that were combined into vectors; empty if the column held vectors.
    """

    def __init__(self, name: str, settings: TableSettings, source_columns: tuple[str, ...] = ()) -> None:
        super().__init__(name, settings)
        self._source_columns = source_columns
        self._count = 0
        self._origin, self._sum, self._squares, self._low, self._high = (np.empty(0) for _ in range(5))

    def _any_differs(self, present: pa.Array) -> bool:
        return True  # Arrow cannot compare lists; a constant column has scale 0

    def _update(self, values: pa.Array, present: pa.Array, first_row: int, sample: ndarray | None) -> None:
        vectors = finite_vectors(self.name, values, first_row).astype(np.float64)
        if not self._count:
            self._origin = vectors[0]
            self._sum, self._squares = np.zeros_like(self._origin), np.zeros_like(self._origin)
            self._low, self._high = np.full_like(self._origin, np.inf), np.full_like(self._origin, -np.inf)
        elif vectors.shape[1] != len(self._origin):
            raise InputError(
                f"column {self.name!r} holds vectors of {len(self._origin):,} and of {vectors.shape[1]:,} numbers; "
                "give vectors of one length"
            )
        shifted = vectors - self._origin
        self._count += len(vectors)
        self._sum += shifted.sum(0)
        self._squares += (shifted**2).sum(0)
        self._low, self._high = np.minimum(self._low, vectors.min(0)), np.maximum(self._high, vectors.max(0))

    def _finish(self) -> Embedding | LeftOut:
        shift = self._sum / self._count
        scale = float(np.sqrt(np.maximum(self._squares / self._count - shift**2, 0).mean()))
        if not scale:
            return LeftOut(name=self.name, reason="constant (the same vector in each row)")
        mean = self._origin + shift
        return Embedding(
            name=self.name,
            missing=self.absent > 0,
            mean=tuple(mean.tolist()),
            scale=scale,
            low=tuple(((self._low - mean) / scale).tolist()),
            high=tuple(((self._high - mean) / scale).tolist()),
            source_columns=self._source_columns,
        )
