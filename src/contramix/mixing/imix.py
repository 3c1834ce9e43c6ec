"""i-Mix: mix the query with other queries of the batch, and its virtual label alike (Lee et al., ICLR 2021)."""

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
from contramix.types import Mixed


class IMix(Settings):
    """Which operator mixes the queries, with what weights, and where.

    Parameters
    ----------
    operator
        How samples are combined.
    alpha
        Weights ~ Beta(alpha, alpha), or Dirichlet for several partners.
    partners
        How many other samples go into each query.
    per
        A weight for each ``"sample"`` or one for the ``"batch"`` (the paper's pseudo-code); None is as in the published
        code, each sample's own except for cutmix.
    fold
        Keep each sample's own weight at least 1/2 (the published code, default). The pseudo-code does not.
    cut
        Where queries are mixed: ``"input"``, a stage of the encoder, or ``"output"``; several are drawn anew
        at each step. ``"auto"``: the first where samples have one shape.
    """

    operator: AnyOperator = Linear()
    alpha: float = Field(default=1.0, gt=0, le=1000)
    partners: int = Field(default=1, ge=1, le=16)
    per: Literal["sample", "batch"] | None = None
    fold: bool = True
    cut: Cut = ("auto",)

    @model_validator(mode="after")
    def _few_enough(self) -> "IMix":
        if self.partners > self.operator.most_partners:
            raise PydanticCustomError("partners", "this operator takes one partner a sample; use linear or binary")
        return self

    def __call__(self, x: Float[Tensor, " B *s"], *, generator: torch.Generator, layout: Layout | None = None) -> Mixed:
        """Mix the queries; the result's weights are those realised, for :meth:`Targets.of`."""
        n = len(x)
        draws = n if (self.per or self.operator.per) == "sample" else 1
        weight = weights.dirichlet(draws, self.partners, self.alpha, self.fold, generator).expand(n, -1)
        partner = weights.any_partner(n, self.partners, generator)
        return self.operator(x, partner, weight, generator=generator, layout=layout)
