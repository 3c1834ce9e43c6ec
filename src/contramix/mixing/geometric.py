"""Mix by a weighted geometric mean (DACL, eq. 5)."""

from typing import Literal

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor

from contramix.errors import InputError
from contramix.mixing.layout import Layout, realized_weights
from contramix.mixing.linear import unit_weights
from contramix.mixing.operator import Operator, broadcast_weights, weighted_sum
from contramix.types import Mixture


class Geometric(Operator):
    """Compute ``x_i^lambda * x_j^(1 - lambda)``, a weighted mean of logarithms.

    NOTE[DIFF]: the paper's formula is NaN for negative numbers, and zero wherever either sample is zero. Here values
    are first mapped to positive numbers, mixed, and mapped back. With ``mode="minmax"`` (the default with a layout,
    which knows each column's range) the training range is mapped to [eps, 1]; with ``"shift"`` the smallest value is
    mapped to eps; with ``"signed_log"`` asinh(x) is averaged. Without a layout or a mode, x must not be negative
    (pixels, activations after a ReLU), and eps is added so that the logarithm of zero is finite.

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
    ) -> Mixture:
        if layout is None:
            low, high = self._range(x)
            elements, share = broadcast_weights(weight, x), weight
            numeric = torch.ones((), dtype=torch.bool, device=x.device)
        else:
            low, high, numeric = layout.low, layout.high, layout.numeric
            per_unit = unit_weights(x, partner, weight, layout, generator)
            elements, share = layout.on_elements(per_unit), realized_weights(per_unit)
        blended = self._back(weighted_sum(self._positive(x, low, high), partner, elements), low, high)
        # A weight of 1 copies its source exactly, even below eps and outside the training range.
        plain = ~numeric | (elements == 1).any(1)
        return Mixture(torch.where(plain, weighted_sum(x, partner, elements), blended), partner, share)

    def _range(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if self.mode is None and bool((x < 0).any()):
            raise InputError(
                "geometric mixing needs numbers >= 0, and these are not; give the operator a mode "
                "('minmax', 'signed_log' or 'shift'), or mix after a ReLU"
            )
        return (x.amin(), x.amax()) if self.mode else (x.new_zeros(()), x.new_ones(()))

    def _positive(self, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Return the logarithm of x mapped to positive numbers (asinh(x) for ``signed_log``)."""
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
