"""Make views without noise."""

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.noise.noise import Noise


class NoNoise(Noise):
    """Return the sample itself as both views; only i-Mix, dropout or BatchNorm then make them differ."""

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Float[Tensor, " B *s"], Float[Tensor, " B *s"]]:
        return x, x
