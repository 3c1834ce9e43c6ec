"""Make views by replacing columns with values of other rows, as in SCARF (Bahri et al., ICLR 2022)."""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.noise.noise import Noise


class Marginal(Noise):
    """Make views by replacing random columns of each row with values of other rows (the corruption of SCARF).

    For each replaced column, the value comes from a training row that is drawn at random for this column.

    Parameters
    ----------
    rate
        Fraction of columns that are replaced: ``floor(rate * columns)`` in each row. SCARF uses 0.6.
    views
        ``"one"`` changes only the second view (the key) and returns the row itself as the first (the query), as in
        SCARF. ``"both"`` changes both views independently.
    """

    rate: float = Field(default=0.6, ge=0, le=1)
    views: Literal["one", "both"] = "one"

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Float[Tensor, " B *s"], Float[Tensor, " B *s"]]:
        pool = x if pool is None else pool
        second = self._view(x, pool, generator, layout)
        return x if self.views == "one" else self._view(x, pool, generator, layout), second

    def _view(self, x: Tensor, pool: Tensor, generator: torch.Generator, layout: Layout | None) -> Tensor:
        flat, drawn_from = x.flatten(1), pool.flatten(1)
        unit = torch.arange(flat.shape[1], device=x.device) if layout is None else layout.unit
        units = flat.shape[1] if layout is None else layout.units
        score = torch.rand((len(x), units), generator=generator, device=x.device)
        # Replace exactly floor(rate * units) columns of each sample: those with the lowest random scores.
        replace = score.argsort(1).argsort(1) < int(self.rate * units + 1e-9)
        row = torch.randint(len(pool), (len(x), units), generator=generator, device=x.device)
        other = drawn_from[row[:, unit], torch.arange(flat.shape[1], device=x.device)]
        return torch.where(replace[:, unit], other, flat).reshape(x.shape)
