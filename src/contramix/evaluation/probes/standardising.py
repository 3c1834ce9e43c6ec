"""Features on one scale."""

import numpy as np
from jaxtyping import Float
from numpy import ndarray


def standardise(z: ndarray, test: ndarray) -> tuple[Float[ndarray, " n d"], Float[ndarray, " m d"]]:
    """Both, by the training rows' mean and standard deviation; constant features become zero."""
    mean, scale = z.mean(0, dtype=np.float64), z.std(0, dtype=np.float64)
    scale = np.where(scale > 1e-8, scale, np.inf)
    return ((z - mean) / scale).astype(np.float32), ((test - mean) / scale).astype(np.float32)
