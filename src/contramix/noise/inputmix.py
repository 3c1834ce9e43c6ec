"""Make views by mixing samples with others of the batch (InputMix, the i-Mix paper's substitute for augmentation)."""

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from contramix.mixing import AnyOperator, weights
from contramix.mixing.layout import Layout
from contramix.mixing.linear import Linear
from contramix.noise.mixing import MixingNoise
from contramix.types import Mixture


class InputMix(MixingNoise):
    """Make two views of each sample by mixing it with random samples of the batch, with a weight of at least 1/2.

    Labels are not mixed: both views count as views of the sample itself.

    Parameters
    ----------
    partners
        Number of random samples of the batch that are mixed into each view. Table 3 of the i-Mix paper uses two.
    alpha
        Parameter of the distribution of weights. With one partner, the sample's weight is max(lambda, 1 - lambda) with
        lambda ~ Beta(alpha, alpha). With several, weights are drawn from a symmetric Dirichlet distribution with
        parameter alpha and halved, and 1/2 is added to that of the sample.
    operator
        Operator that combines the samples.
    """

    partners: int = Field(default=2, ge=1, le=16)
    alpha: float = Field(default=1.0, gt=0, le=1000)
    operator: AnyOperator = Linear()

    def mixtures(
        self, x: Float[Tensor, " B *s"], generator: torch.Generator, layout: Layout | None
    ) -> tuple[Mixture, Mixture]:
        n, both = len(x), torch.cat([x, x])
        weight = weights.dirichlet(2 * n, self.partners, self.alpha, True, generator)
        partner = weights.any_partner(2 * n, self.partners, generator)
        mixed = self.operator(both, partner, weight, generator=generator, layout=layout)
        # Rows k and n + k of `both` are the same sample.
        parts = (mixed.x, mixed.partner % n, mixed.weight)
        first, second = zip(*(torch.split(part, n) for part in parts))
        return Mixture(*first), Mixture(*second)
