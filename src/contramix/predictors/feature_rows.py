"""Read rows of features in blocks, optionally standardized, and compute the raw features of models without encoder."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from numpy import ndarray

from contramix.domains import Spec
from contramix.errors import InputError
from contramix.samples.samples import Samples, sequential_batches
from contramix.types import get_values

HELD = 256 << 20
"""Maximum size in bytes of rows that are standardized once and kept in memory; larger sets are standardized at each
read."""
BLOCK = 4096
"""Number of rows per block."""
SCALE_ROWS = 2**16
"""Maximum number of rows from which means and scales of features are computed."""


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
    basis
        Matrix of shape (features, new features) by which the rows are multiplied afterwards; None: no multiplication.
    """

    def __init__(
        self,
        z: Float[ndarray, " n d"],
        index: Int[ndarray, " m"],
        mean: Float[ndarray, " d"] | None = None,
        scale: Float[ndarray, " d"] | None = None,
        basis: Float[ndarray, " d k"] | None = None,
    ) -> None:
        self.z, self.index = z, index
        self.mean, self.scale, self.basis = (None if n is None else n.astype(np.float32) for n in (mean, scale, basis))
        self.width = z.shape[1] if basis is None else basis.shape[1]
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
        return z if self.basis is None else z @ self.basis

    def blocks(self) -> Iterator[tuple[slice, Float32[ndarray, " b d"]]]:
        """Yield all rows in order as blocks of at most 4,096 rows, each as ``(slice of positions, features)``."""
        for start in range(0, len(self), BLOCK):
            positions = slice(start, start + BLOCK)
            yield positions, self[positions]


class FeatureScale(NamedTuple):
    """Standardize features with means and scales that are computed without labels.

    Parameters
    ----------
    z
        Features of all records.
    mean, scale
        Mean and standard deviation of each feature in the training rows. A feature that is only 0 or 1 there, such as a
        one-hot element, has mean 0 and scale 1, so that it stays as it is. A constant feature has an infinite scale, so
        that it becomes 0.
    deviation
        Standard deviation of each feature, also of those with scale 1; None: not known.
    """

    z: Float[ndarray, " n d"]
    mean: Float[ndarray, " d"]
    scale: Float[ndarray, " d"]
    deviation: Float[ndarray, " d"] | None = None

    @classmethod
    def learn(cls, z: Float[ndarray, " n d"], rows: Int[ndarray, " m"]) -> "FeatureScale":
        """Compute the mean and scale of each feature in ``z`` from the training rows, whose row numbers are ``rows``.

        If there are more than 65,536 training rows, at most that many, evenly spaced, are used.

        Raises
        ------
        InputError
            If features in these rows are not finite.
        """
        raw = FeatureRows(z, rows[:: -(-len(rows) // SCALE_ROWS)])
        mean = sum(block.sum(0, dtype=np.float64) for _, block in raw.blocks()) / len(raw)
        if not np.isfinite(mean).all():
            raise InputError("features that are not finite cannot be probed; look for extreme values in the data")
        deviation = np.sqrt(sum(np.square(block - mean).sum(0) for _, block in raw.blocks()) / len(raw))
        scale = np.where(deviation > 1e-8, deviation, np.inf)
        binary = np.isfinite(scale) & np.all([((b == 0) | (b == 1)).all(0) for _, b in raw.blocks()], axis=0)
        return cls(z, np.where(binary, 0.0, mean), np.where(binary, 1.0, scale), deviation)

    @classmethod
    def of_terms(cls, z: Float[ndarray, " n d"], labeled: Int[ndarray, " m"]) -> "FeatureScale":
        """Scale the frequencies of terms by their inverse document frequency in the labeled records.

        The weight is that of scikit-learn's ``TfidfTransformer``: 1 + log((1 + records) / (1 + records with the term)).
        Document frequencies of the few labeled records score higher than those of all records (docs/findings/0034).
        """
        weight = 1 + np.log((1 + len(labeled)) / (1 + (z[labeled] > 0).sum(0)))
        return cls(z, np.zeros(z.shape[1]), 1 / weight)

    def with_one_scale(self) -> "FeatureScale":
        """Return the same means with one scale for all features: their root mean square deviation."""
        deviation = self.scale if self.deviation is None else self.deviation
        variance = np.where(np.isfinite(deviation), deviation**2, 0.0).mean()
        return self._replace(scale=np.full_like(self.scale, np.sqrt(variance) or np.inf))

    def rows(self, index: Int[ndarray, " m"], basis: Float[ndarray, " d k"] | None = None) -> FeatureRows:
        """Return the standardized rows with the row numbers ``index``, multiplied by the matrix ``basis`` if given."""
        return FeatureRows(self.z, index, self.mean, self.scale, basis)


MAX_ONE_HOT = 1000
"""Maximum number of one-hot columns for each categorical column; more categories share columns (number modulo this
limit)."""


def raw_features(spec: Spec, x: Samples) -> Float32[ndarray, " n d"]:
    """Return input features for models that do not use an encoder, as an array of shape (samples, features).

    Some data domains define such features (``spec.features``). For the others, the encoder's inputs are flattened, and
    categories are one-hot encoded.
    """
    own = spec.features(x)
    if own is not None:
        return own
    codes, front = dict(spec.inputs().codes), spec.frontend()
    inputs = torch.cat([get_values(front(batch)).flatten(1) for batch in sequential_batches(x)])
    columns = [inputs.numpy()[:, [i for i in range(inputs.shape[1]) if i not in codes]]] if codes else [inputs.numpy()]
    for element, levels in codes.items():
        code = inputs[:, element].long() % MAX_ONE_HOT
        columns.append(torch.nn.functional.one_hot(code, min(levels, MAX_ONE_HOT)).float().numpy())
    return np.concatenate(columns, 1)
