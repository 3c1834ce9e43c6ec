"""Make views by setting random elements to zero, as i-Mix does on tables."""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.noise.noise import Noise


class Drop(Noise):
    """Make two views by setting each element to zero with probability ``rate``, without rescaling the others.

    Parameters
    ----------
    rate
        Probability of dropping an element. i-Mix uses 0.2 on tables.
    columns
        Which columns of tables are dropped. ``"numeric"``: numbers only, as i-Mix does on CovType, or all columns if
        none is numeric. ``"all"``: columns of every type, each with all of its elements (a one-hot group, or the parts
        of a date) or not at all. Numeric columns are standardized, therefore a dropped number becomes the mean of its
        column.
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
