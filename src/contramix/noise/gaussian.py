"""Make views by adding Gaussian noise, the baseline in the DACL paper."""

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.noise.noise import Noise


class Gaussian(Noise):
    """Make two views by adding independent noise from N(mean, std^2) to each element.

    In tables, category codes and missing flags get no noise.

    NOTE[DIFF]: the DACL paper tunes the *mean* over {.05, .1, .3, .5} with std 1. A constant mean has no effect,
    because it shifts both views equally, and with std 1 the two views have a cosine similarity of only 0.5. The
    defaults here are mean 0 and std 0.3. Set ``mean`` and ``std`` to reproduce the paper.
    """

    std: float = Field(default=0.3, ge=0)
    mean: float = 0.0

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
        noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype) * self.std + self.mean
        return x + (noise if layout is None else noise.masked_fill(layout.code | layout.flag, 0.0))
