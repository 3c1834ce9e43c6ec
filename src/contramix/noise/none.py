"""Make views without noise, for methods whose views differ for another reason."""

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.noise.noise import Noise


class NoNoise(Noise):
    """Return each sample unchanged as both views.

    Representations of the two views then differ only because of i-Mix, dropout or BatchNorm.
    """

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Float[Tensor, " B *s"], Float[Tensor, " B *s"]]:
        return x, x
