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
    """Configure how i-Mix mixes queries: with which operator, with which random weights, and after which encoder stage.

    Parameters
    ----------
    operator
        Operator that combines the samples.
    alpha
        Parameter of the distribution of weights: Beta(alpha, alpha) with one partner, and a symmetric Dirichlet
        distribution with several.
    partners
        Number of random samples of the batch that are mixed into each query.
    per
        Whether weights are drawn for each ``"sample"``, or once per ``"batch"`` as in the paper's pseudo-code. None
        follows the authors' code: for each sample, except with CutMix, which draws once per batch.
    fold
        Whether weights are changed so that the sample's own weight is at least 1/2: with one partner, lambda becomes
        max(lambda, 1 - lambda). The authors' code does this, the paper's pseudo-code does not.
    cut
        Where queries are mixed: ``"input"``, the name of an encoder stage, which means after this stage, or
        ``"output"``. If several cuts are given, one of them is drawn at each training step. ``"auto"`` is the first cut
        at which all samples have the same shape.
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

        ``x`` holds the queries, or their activations after an encoder stage. ``generator`` is the source of all random
        draws. For encoded table rows, ``layout`` says which elements form one column and which columns may be averaged.
        :meth:`contramix.types.Targets.from_mixture` makes the virtual labels from the returned mixture.
        """
        n = len(x)
        draws = n if (self.per or self.operator.weight_per) == "sample" else 1
        weight = weights.dirichlet(draws, self.partners, self.alpha, self.fold, generator).expand(n, -1)
        partner = weights.any_partner(n, self.partners, generator)
        return self.operator(x, partner, weight, generator=generator, layout=layout)
