"""Mix samples by a weighted geometric mean (DACL, eq. 5)."""

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
    """Mix samples by the weighted geometric mean ``x_i^lambda * x_j^(1 - lambda)``.

    NOTE[DIFF]: the formula of the DACL paper is NaN for negative numbers, and zero wherever either sample is zero. Here
    values are first mapped to positive numbers, then mixed and mapped back.

    Parameters
    ----------
    mode
        How values x are mapped to positive numbers. ``"minmax"`` maps the range of values linearly to [eps, 1].
        ``"shift"`` adds a constant, so that the smallest value becomes eps. The range and the smallest value are those
        of each column in the training rows for tables, and those of the whole batch for other data. ``"signed_log"``
        takes the weighted mean of asinh(x) instead of log(x), which needs no positive numbers. None is ``"minmax"`` for
        tables. For other data, None requires values >= 0, such as pixels or activations after a ReLU, and maps them to
        (1 - eps) * x + eps.
    eps
        Smallest positive number, which keeps logarithms finite.

    Raises
    ------
    InputError
        If values are negative, no mode is set, and the data are not a table.
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
        """Map ``x`` to positive numbers as ``mode`` says, and return their logarithms; asinh(x) for ``"signed_log"``.

        ``low`` and ``high`` are the ends of the range that ``"minmax"`` and ``"shift"`` use. They broadcast to ``x``.
        """
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
