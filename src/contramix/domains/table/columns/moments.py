"""Mean, deviation and extremes of numbers that come by portions."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray


class Moments(NamedTuple):
    """Of some numbers, in float64.

    Examples
    --------
    >>> Moments().joined(np.array([2.0, 4.0])).joined(np.array([9.0]))
    Moments(count=3, mean=5.0, deviation=2.943920288775949, low=2.0, high=9.0)
    """

    count: int = 0  # type: ignore[assignment]  # shadows tuple.count
    mean: float = 0.0
    deviation: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    @classmethod
    def of_binary(cls, count: int, ones: int) -> "Moments":
        """Of zeros and ones."""
        mean = ones / count
        return cls(count, mean, math.sqrt(mean * (1 - mean)), float(ones == count), float(ones > 0))

    def joined(self, numbers: Float64[ndarray, " n"]) -> "Moments":
        """Of these ones and more (Chan, Golub & LeVeque 1979); there is at least one."""
        low, high = float(numbers.min()), float(numbers.max())
        with np.errstate(over="ignore", invalid="ignore"):
            more, mean, deviation = len(numbers), numbers.mean(), numbers.std()
            if not self.count:
                return Moments(more, float(mean), float(deviation), low, high)
            count, apart = self.count + more, mean - np.float64(self.mean)
            mine, theirs = self.count / count, more / count
            variance = mine * np.float64(self.deviation) ** 2 + theirs * deviation**2 + mine * theirs * apart**2
            joint = self.mean + apart * theirs
        return Moments(count, float(joint), float(np.sqrt(variance)), min(self.low, low), max(self.high, high))
