"""Geometric mixing, eq. 5 of DACL."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from contramix.errors import InputError
from contramix.mixing.layout import Layout, realised
from contramix.mixing.linear import unit_weights
from contramix.mixing.operator import Operator, mixture, spread
from contramix.types import Mixed


class Geometric(Operator):
    """``x~ = x_i^lambda * x_j^(1 - lambda)``, a weighted mean of logarithms.

    NOTE[DIFF]: the paper's formula is NaN for negative numbers and zero wherever one side is zero. Here numbers
    are mixed on a positive image and mapped back: with ``mode="minmax"`` (the default where a layout knows each
    column's range) on [eps, 1] between the smallest and largest training value; with ``"shift"`` above the
    smallest value; with ``"signed_log"`` as the mean of asinh(x). Without a layout and a mode, x must not be
    negative (pixels, activations behind a ReLU), and eps is added so that zero stays a number.

    Raises
    ------
    InputError
        For negative numbers with neither a layout nor a mode.
    """

    mode: Literal["minmax", "signed_log", "shift"] | None = None
    eps: float = Field(default=1e-3, gt=0, lt=1)

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        partner: Int[Tensor, " B P"],
        weight: Float[Tensor, " B K"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
    ) -> Mixed:
        if layout is None:
            low, high = self._range(x)
            elements, share = spread(weight, x), weight
            numeric = torch.ones((), dtype=torch.bool, device=x.device)
        else:
            low, high, numeric = layout.low, layout.high, layout.numeric
            per_unit = unit_weights(x, partner, weight, layout, generator)
            elements, share = layout.on_elements(per_unit), realised(per_unit)
        blended = self._back(mixture(self._positive(x, low, high), partner, elements), low, high)
        # A weight of 1 on one source takes its value as it is, below eps and outside the training range too.
        plain = ~numeric | (elements == 1).any(1)
        return Mixed(torch.where(plain, mixture(x, partner, elements), blended), partner, share)

    def _range(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.mode is None and bool((x < 0).any()):
            raise InputError(
                "geometric mixing needs numbers >= 0, and these are not; give the operator a mode "
                "('minmax', 'signed_log' or 'shift'), or mix behind a ReLU"
            )
        return (x.amin(), x.amax()) if self.mode else (x.new_zeros(()), x.new_ones(()))

    def _positive(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """The logarithm of x's positive image (for ``signed_log``: asinh, which is one for large numbers)."""
        if self.mode == "signed_log":
            return torch.asinh(x)
        if self.mode == "shift":
            return torch.log((x - low + self.eps).clamp(min=self.eps))
        return torch.log(((x - low) / _width(low, high) * (1 - self.eps) + self.eps).clamp(min=self.eps))

    def _back(self, log: Tensor, low: Tensor, high: Tensor) -> Tensor:
        if self.mode == "signed_log":
            return torch.sinh(log)
        if self.mode == "shift":
            return torch.exp(log) - self.eps + low
        return (torch.exp(log) - self.eps) / (1 - self.eps) * _width(low, high) + low


def _width(low: Tensor, high: Tensor) -> Tensor:
    return torch.where(high > low, high - low, torch.ones_like(high))
