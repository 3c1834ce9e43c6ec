"""Columns of numbers."""

from typing import Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64
from numpy import ndarray

from contramix.domains.table.columns.column import Column, Element, quantities
from contramix.errors import InputError


class Numeric(Column):
    """A quantity: standard score, or normal quantiles. A missing value becomes the mean."""

    kind: Literal["numeric"] = "numeric"
    mean: float
    scale: float
    low: float
    high: float
    quantiles: tuple[float, ...] = ()
    """Training values at equal steps of probability, for ``table.numeric = "quantile"``."""

    @property
    def elements(self) -> list[Element]:
        return [Element("quantity", self.low, self.high), *([Element("flag")] if self.missing else [])]

    @property
    def blend(self) -> bool:
        return True

    def encode(self, values: pa.Array, out: Float32[ndarray, " n width"], infinite: str, first: int) -> None:
        numbers = quantities(self, values, "numeric", infinite, first)
        absent = np.isnan(numbers)
        with np.errstate(over="ignore"):
            score = self.score(numbers).astype(np.float32)
        if np.isinf(score).any():
            row = int(np.isinf(score).argmax())
            raise InputError(
                f"column {self.name!r}, row {first + row + 1}: {numbers[row]:g} is too large beside the training "
                f"values (mean {self.mean:g}, standard deviation {self.scale:g})"
            )
        score[absent] = 0
        out[:, 0] = score
        if self.missing:
            out[:, 1] = absent

    def score(self, numbers: Float64[ndarray, " n"]) -> Float64[ndarray, " n"]:
        """The standardised values; NaN stays NaN."""
        if self.quantiles:
            return normal_quantile(numbers, self.quantiles)
        return (numbers - self.mean) / self.scale


def normal_quantile(numbers: Float64[ndarray, " n"], quantiles: tuple[float, ...]) -> Float64[ndarray, " n"]:
    """Where a value stands among the training values, as a normal score within +-3.3 or so."""
    from scipy.special import ndtri

    grid = np.linspace(0, 1, len(quantiles))
    at = np.asarray(quantiles)
    # The mean of the interpolation from both sides puts a repeated value in the middle of its share.
    up, down = np.interp(numbers, at, grid), 1 - np.interp(-numbers, -at[::-1], grid)
    edge = 0.5 / len(quantiles)
    score: ndarray = ndtri(np.clip((up + down) / 2, edge, 1 - edge))
    return score
