"""InputMix: both views are mixed with samples of the batch, labels kept (i-Mix, where no augmentation is known)."""

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from contramix.mixing import AnyOperator, weights
from contramix.mixing.layout import Layout
from contramix.mixing.linear import Linear
from contramix.noise.noise import Noise
from contramix.types import Activations, joined, mixed_in, split, values_of


class InputMix(Noise):
    """Mix the 2N views among each other, each keeping at least half of itself.

    With one partner the own weight is max(lambda, 1 - lambda), lambda ~ Beta(alpha, alpha); with k partners it is
    1/2 plus half of a Dirichlet weight. Table 3 of i-Mix uses two partners.
    """

    partners: int = Field(default=2, ge=1, le=16)
    alpha: float = Field(default=1.0, gt=0, le=1000)
    operator: AnyOperator = Linear()

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Float[Tensor, " B *s"], Float[Tensor, " B *s"]]:
        first, second = self.of_activations(x, generator, layout, pool)
        return values_of(first), values_of(second)

    def of_activations(
        self,
        x: Activations,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Activations, Activations]:
        """Two views; what goes along with what is mixed, such as padding, is mixed alike."""
        both = joined([x, x])
        weight = weights.dirichlet(len(both), self.partners, self.alpha, True, generator)
        partner = weights.any_partner(len(both), self.partners, generator)
        mixed = self.operator(values_of(both), partner, weight, generator=generator, layout=layout)
        first, second = split(mixed_in(both, mixed), [len(x), len(x)])
        return first, second
