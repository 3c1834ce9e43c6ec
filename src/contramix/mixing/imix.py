"""Mix the queries of a batch and, with the same weights, their labels (i-Mix; Lee et al., ICLR 2021)."""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from torch import Tensor

from contramix.mixing import AnyOperator, weights
from contramix.mixing.layout import Layout
from contramix.mixing.linear import Linear
from contramix.settings import Cut, Settings
from contramix.types import Mixture


class IMix(Settings):
    """Configure how i-Mix mixes queries: the operator, the distribution of the weights, and the place.

    Parameters
    ----------
    operator
        Operator that combines the samples.
    alpha
        Parameter of the weights' distribution: Beta(alpha, alpha), or Dirichlet(alpha, ...) with several partners.
    partners
        Number of other samples mixed into each query.
    per
        Draw one weight per ``"sample"`` or one per ``"batch"`` (the paper's pseudo-code). None follows the authors'
        code: one per sample, or one per batch for CutMix.
    fold
        Whether the weight of the sample itself is at least 1/2, as in the authors' code but not in the pseudo-code.
    cut
        Where queries are mixed: ``"input"``, the name of an encoder stage (after it), or ``"output"``. With several
        cuts, one is drawn at each step. ``"auto"`` is the first cut at which all samples have the same shape.
    """

    operator: AnyOperator = Linear()
    alpha: float = Field(default=1.0, gt=0, le=1000)
    partners: int = Field(default=1, ge=1, le=16)
    per: Literal["sample", "batch"] | None = None
    fold: bool = True
    cut: Cut = ("auto",)

    @model_validator(mode="after")
    def _few_enough(self) -> "IMix":
        if self.partners > self.operator.max_partners:
            raise PydanticCustomError("partners", "this operator takes one partner per sample; use linear or binary")
        return self

    def __call__(
        self, x: Float[Tensor, " B *s"], *, generator: torch.Generator, layout: Layout | None = None
    ) -> Mixture:
        """Mix each query of a batch with randomly drawn partners from the same batch.

        ``generator`` is the source of all random draws. For tables, ``layout`` says which elements of ``x`` form one
        column and may be averaged.
        :meth:`contramix.types.Targets.from_mixture` makes the virtual labels of the result.
        """
        n = len(x)
        draws = n if (self.per or self.operator.weight_per) == "sample" else 1
        weight = weights.dirichlet(draws, self.partners, self.alpha, self.fold, generator).expand(n, -1)
        partner = weights.any_partner(n, self.partners, generator)
        return self.operator(x, partner, weight, generator=generator, layout=layout)
