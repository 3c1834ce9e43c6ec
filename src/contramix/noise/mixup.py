"""Mixup noise, DACL's Algorithm 1: each view is the sample mixed with another one of the batch, its label kept."""

from typing import Annotated, Literal

import torch
from jaxtyping import Bool, Float
from pydantic import AliasChoices, BeforeValidator, Field
from torch import Tensor

from contramix.mixing import AnyOperator, weights
from contramix.mixing.layout import Layout
from contramix.mixing.linear import Linear
from contramix.mixing.operator import Operator
from contramix.noise.mixing import MixingNoise
from contramix.settings import as_tuple
from contramix.types import Mixed


def _several(value: object) -> object:
    return (value,) if isinstance(value, str | dict | Operator) else as_tuple(value)


class MixupNoise(MixingNoise):
    """Mix each sample with another one, twice and independently.

    Parameters
    ----------
    operators
        One (DACL), or several (DACL+): then each sample draws one and uses it for both of its views, with fresh
        weights and partners. The paper's three are linear, geometric and binary.
    alpha
        lambda ~ U(alpha, 1): how much of the sample stays, at least (eq. 3 to 5).
    keep_prob
        Of binary mixing: the probability that an element stays, the rho of eq. 6 (and ``rho`` is understood).
        NOTE[DIFF]: the paper's grid for rho, {.1, .3, .5}, only makes sense as the probability of a *swap*:
        keeping 10 % leaves two views at cosine 0.01.
    per
        Draw the operator for each sample (the paper) or for the batch (a simpler reading of it).
    """

    operators: Annotated[tuple[AnyOperator, ...], BeforeValidator(_several), Field(min_length=1)] = (Linear(),)
    alpha: float = Field(default=0.5, ge=0, le=1)
    keep_prob: float = Field(default=0.7, ge=0, le=1, validation_alias=AliasChoices("keep_prob", "rho"))
    per: Literal["sample", "batch"] = "sample"

    def mixtures(
        self, x: Float[Tensor, " B *s"], generator: torch.Generator, layout: Layout | None
    ) -> tuple[Mixed, Mixed]:
        n = len(x)
        drawn = torch.randint(
            len(self.operators),
            (n if self.per == "sample" else 1,),
            generator=generator,
            device=generator.device,
        ).expand(n)
        first, second = (self._view(x, drawn, generator, layout) for _ in range(2))
        return first, second

    def _view(self, x: Tensor, drawn: Tensor, generator: torch.Generator, layout: Layout | None) -> Mixed:
        # Algorithm 1, lines 4 to 9: lambda and partner anew for each view.
        views = []
        for operator in self.operators:
            partner = weights.other_partner(len(x), generator)
            if operator.keeps:
                weight = weights.constant(len(x), self.keep_prob, x.device)
            else:
                weight = weights.uniform(len(x), self.alpha, generator)
            views.append(operator(x, partner, weight, generator=generator, layout=layout))
        view = views[0]
        for number, other in enumerate(views[1:], start=1):
            view = _chosen(drawn == number, other, view)
        return view


def _chosen(mine: Bool[Tensor, " B"], first: Mixed, second: Mixed) -> Mixed:
    """Of each sample what one operator made, or what the other did."""
    each = (torch.where(mine.reshape(-1, *(1,) * (a.dim() - 1)), a, b) for a, b in zip(first, second))
    return Mixed(*each)
