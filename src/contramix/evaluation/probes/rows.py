"""Rows of features, on one scale if wanted, read block by block: the features themselves may lie in a file."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray

from contramix.errors import InputError

HELD = 256 << 20
"""Rows of up to this many bytes are gathered and scaled once; others whenever they are read."""
BLOCK = 4096
"""Rows of a block."""


class FeatureRows:
    """Rows of features as float32.

    Parameters
    ----------
    z
        The features of all records.
    index
        Which rows.
    mean, scale
        What is subtracted, and then divided by; None: rows are read as they are.
    """

    def __init__(
        self,
        z: Float[ndarray, " n d"],
        index: Int[ndarray, " m"],
        mean: Float[ndarray, " d"] | None = None,
        scale: Float[ndarray, " d"] | None = None,
    ) -> None:
        self.z, self.index = z, index
        self.mean, self.scale = (None if n is None else n.astype(np.float32) for n in (mean, scale))
        self.width = z.shape[1]
        self._held = self._read(index) if 4 * len(index) * self.width <= HELD else None

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, place: Int[ndarray, " b"] | slice) -> Float32[ndarray, " b d"]:
        """Some of the rows, counted among them."""
        return self._read(self.index[place]) if self._held is None else self._held[place]

    def _read(self, index: Int[ndarray, " b"]) -> Float32[ndarray, " b d"]:
        z = np.asarray(self.z[index], np.float32)
        if self.mean is not None:
            z -= self.mean
        if self.scale is not None:
            z /= self.scale
        return z

    def blocks(self) -> Iterator[tuple[slice, Float32[ndarray, " b d"]]]:
        """All rows in order, block by block, each with its place."""
        for start in range(0, len(self), BLOCK):
            part = slice(start, start + BLOCK)
            yield part, self[part]


def standardized(z: Float[ndarray, " n d"], fit: Int[ndarray, " m"], *others: Int[ndarray, " k"]) -> list[FeatureRows]:
    """Rows to fit on and others, by the mean and standard deviation of the former; constant features become zero.

    Raises
    ------
    InputError
        If features of the rows to fit on are not finite.
    """
    raw = FeatureRows(z, fit)
    mean = sum(block.sum(0, dtype=np.float64) for _, block in raw.blocks()) / len(fit)
    if not np.isfinite(mean).all():
        raise InputError("features that are not finite cannot be probed; look for values far beyond the others'")
    scale = np.sqrt(sum(np.square(block - mean).sum(0) for _, block in raw.blocks()) / len(fit))
    scale = np.where(scale > 1e-8, scale, np.inf)
    return [FeatureRows(z, index, mean, scale) for index in (fit, *others)]
