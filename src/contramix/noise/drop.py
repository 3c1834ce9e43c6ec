"""Make views by setting elements to zero, as i-Mix does on tables."""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.noise.noise import Noise


class Drop(Noise):
    """Set each element to zero with probability ``rate``, independently in each view, without rescaling the rest.

    Parameters
    ----------
    rate
        Probability of dropping an element. i-Mix uses 0.2 on tables.
    columns
        With a layout: ``"numeric"`` drops numeric columns only, as published for CovType (all columns if none is
        numeric); ``"all"`` drops columns of every type, one-hot groups and dates as a unit. Columns are standardized,
        so a dropped number becomes its column's mean; a dropped one-hot group becomes all zeros.
    """

    rate: float = Field(default=0.2, ge=0, lt=1)
    columns: Literal["numeric", "all"] = "numeric"

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Float[Tensor, " B *s"], Float[Tensor, " B *s"]]:
        return self._view(x, generator, layout), self._view(x, generator, layout)

    def _view(self, x: Tensor, generator: torch.Generator, layout: Layout | None) -> Tensor:
        if layout is None:
            drop = torch.rand(x.shape, generator=generator, device=x.device) < self.rate
        else:
            units = torch.rand((len(x), layout.units), generator=generator, device=x.device) < self.rate
            drop = units[:, layout.unit]
            if self.columns == "numeric" and layout.has_numeric:
                drop = drop & layout.numeric
        return x.masked_fill(drop, 0.0)
