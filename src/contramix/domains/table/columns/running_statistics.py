"""Compute count, mean, standard deviation, minimum and maximum of numbers that arrive in chunks."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray


class RunningStatistics(NamedTuple):
    """Accumulate count, mean, standard deviation, minimum (``low``) and maximum (``high``) of numbers, in float64.

    :meth:`update` returns new statistics. The standard deviation is that of the population (divided by the count).

    Examples
    --------
    >>> RunningStatistics().update(np.array([2.0, 4.0])).update(np.array([9.0]))
    RunningStatistics(count=3, mean=5.0, std=2.943920288775949, low=2.0, high=9.0)
    """

    count: int = 0  # type: ignore[assignment]  # shadows tuple.count
    mean: float = 0.0
    std: float = 0.0
    low: float = math.inf
    high: float = -math.inf

    @classmethod
    def from_binary_counts(cls, count: int, ones: int) -> "RunningStatistics":
        """Compute the statistics of ``count`` zeros and ones, of which ``ones`` are 1."""
        mean = ones / count
        return cls(count, mean, math.sqrt(mean * (1 - mean)), float(ones == count), float(ones > 0))

    def update(self, numbers: Float64[ndarray, " n"]) -> "RunningStatistics":
        """Return the statistics of all numbers so far together with new ``numbers``, which must not be empty.

        Variances are merged with the formula of Chan, Golub and LeVeque (1979).
        """
        low, high = float(numbers.min()), float(numbers.max())
        with np.errstate(over="ignore", invalid="ignore"):
            new_count, new_mean, new_std = len(numbers), numbers.mean(), numbers.std()
            if not self.count:
                return RunningStatistics(new_count, float(new_mean), float(new_std), low, high)
            count, difference = self.count + new_count, new_mean - np.float64(self.mean)
            share, new_share = self.count / count, new_count / count
            within = share * np.float64(self.std) ** 2 + new_share * new_std**2
            variance = within + share * new_share * difference**2
            mean = self.mean + difference * new_share
        return RunningStatistics(count, float(mean), float(np.sqrt(variance)), min(self.low, low), max(self.high, high))
