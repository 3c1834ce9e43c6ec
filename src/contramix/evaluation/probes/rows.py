"""Read rows of features in blocks, optionally standardized. The features may be memory-mapped from a file."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Float32, Int
from numpy import ndarray

from contramix.errors import InputError

HELD = 256 << 20
"""Maximum size in bytes of rows that are standardized once and kept in memory; larger sets are standardized at each
read."""
BLOCK = 4096
"""Number of rows per block."""


class FeatureRows:
    """Read selected rows of a feature array as float32, optionally standardized.

    Parameters
    ----------
    z
        Features of all records.
    index
        Row numbers of the rows to read.
    mean, scale
        Mean to subtract from each feature, and scale to divide it by; None to leave the rows unchanged.
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

    def __getitem__(self, positions: Int[ndarray, " b"] | slice) -> Float32[ndarray, " b d"]:
        """Return some of the selected rows. ``positions`` are positions in ``index``, not row numbers of ``z``."""
        return self._read(self.index[positions]) if self._held is None else self._held[positions]

    def _read(self, index: Int[ndarray, " b"]) -> Float32[ndarray, " b d"]:
        z = np.asarray(self.z[index], np.float32)
        if self.mean is not None:
            z -= self.mean
        if self.scale is not None:
            z /= self.scale
        return z

    def blocks(self) -> Iterator[tuple[slice, Float32[ndarray, " b d"]]]:
        """Yield all rows in order as blocks of at most 4,096 rows, each as ``(slice of positions, features)``."""
        for start in range(0, len(self), BLOCK):
            positions = slice(start, start + BLOCK)
            yield positions, self[positions]


def standardized(z: Float[ndarray, " n d"], fit: Int[ndarray, " m"], *others: Int[ndarray, " k"]) -> list[FeatureRows]:
    """Standardize rows of features with the mean and standard deviation of the rows in ``fit``.

    Returns one :class:`FeatureRows` for ``fit``, followed by one for each of ``others``. A feature that is constant in
    the rows of ``fit`` becomes zero.

    Parameters
    ----------
    z
        Features of all records.
    fit
        Row numbers from which mean and standard deviation are computed.
    others
        Row numbers of other sets of rows, such as test rows.

    Raises
    ------
    InputError
        If features in the rows of ``fit`` are not finite.
    """
    raw = FeatureRows(z, fit)
    mean = sum(block.sum(0, dtype=np.float64) for _, block in raw.blocks()) / len(fit)
    if not np.isfinite(mean).all():
        raise InputError("features that are not finite cannot be probed; look for extreme values in the data")
    scale = np.sqrt(sum(np.square(block - mean).sum(0) for _, block in raw.blocks()) / len(fit))
    scale = np.where(scale > 1e-8, scale, np.inf)
    return [FeatureRows(z, index, mean, scale) for index in (fit, *others)]
