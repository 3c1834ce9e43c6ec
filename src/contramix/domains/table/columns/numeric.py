"""Encode numeric columns as standard scores or normal quantiles."""

from typing import Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64
from numpy import ndarray

from contramix.domains.table.columns.column import Element, InputColumn, as_numbers
from contramix.errors import InputError


class Numeric(InputColumn):
    """Encode numbers as standard scores, or as normal quantiles if ``quantiles`` is not empty.

    A missing value is encoded as 0. A second element flags missing values if the training rows have any.

    Parameters
    ----------
    mean, scale
        Mean and standard deviation of the training values before encoding.
    low, high
        Minimum and maximum of the encoded training values.
    quantiles
        Quantiles of the training values at evenly spaced probabilities from 0 to 1. Empty if numbers are encoded as
        standard scores.
    """

    kind: Literal["numeric"] = "numeric"
    mean: float
    scale: float
    low: float
    high: float
    quantiles: tuple[float, ...] = ()

    @property
    def elements(self) -> list[Element]:
        return [Element("number", self.low, self.high), *([Element("flag")] if self.missing else [])]

    @property
    def blend(self) -> bool:
        return True

    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first_row: int) -> None:
        numbers = as_numbers(self, values, "numeric", infinite, first_row)
        absent = np.isnan(numbers)
        with np.errstate(over="ignore"):
            score = self.score(numbers).astype(np.float32)
        if np.isinf(score).any():
            row = int(np.isinf(score).argmax())
            raise InputError(
                f"column {self.name!r}, row {first_row + row + 1}: {numbers[row]:g} is too large compared with the "
                f"training values (mean {self.mean:g}, standard deviation {self.scale:g})"
            )
        score[absent] = 0
        out[:, 0] = score
        if self.missing:
            out[:, 1] = absent

    def score(self, numbers: Float64[ndarray, " n"]) -> Float64[ndarray, " n"]:
        """Convert numbers to standard scores, or to normal quantiles if ``quantiles`` is not empty. NaN stays NaN."""
        if self.quantiles:
            return normal_quantile(numbers, self.quantiles)
        return (numbers - self.mean) / self.scale


def normal_quantile(numbers: Float64[ndarray, " n"], quantiles: tuple[float, ...]) -> Float64[ndarray, " n"]:
    """Map numbers to a standard normal distribution by their quantiles, like scikit-learn's QuantileTransformer.

    Parameters
    ----------
    numbers
        The numbers; NaN stays NaN.
    quantiles
        Quantiles of the training values at evenly spaced probabilities from 0 to 1. With 1,000 of them, the result lies
        within about -3.3 and 3.3.
    """
    from scipy.special import ndtri

    grid = np.linspace(0, 1, len(quantiles))
    at = np.asarray(quantiles)
    # A repeated value spans a range of probabilities. The mean of the interpolations from both sides is its middle.
    up, down = np.interp(numbers, at, grid), 1 - np.interp(-numbers, -at[::-1], grid)
    edge = 0.5 / len(quantiles)
    score: ndarray = ndtri(np.clip((up + down) / 2, edge, 1 - edge))
    return score
