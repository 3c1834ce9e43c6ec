"""Make views by mixing each sample with another one and keeping its label (mixup noise, DACL's Algorithm 1)."""

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
from contramix.types import Mixture


def _as_operators(value: object) -> object:
    return (value,) if isinstance(value, str | dict | Operator) else as_tuple(value)


class MixupNoise(MixingNoise):
    """Mix each sample with two other ones, independently, to make its two views.

    Parameters
    ----------
    operators
        One operator (DACL) or several (DACL+). With several, each sample draws one operator and uses it for both of its
        views, with new weights and partners. The paper uses linear, geometric and binary mixing.
    alpha
        Minimum weight of the sample itself: lambda ~ U(alpha, 1) (eq. 3 to 5).
    keep_prob
        Probability that binary mixing keeps an element: rho in eq. 6 (``rho`` is accepted as an alias).
        NOTE[DIFF]: the paper's grid for rho, {.1, .3, .5}, only makes sense as the probability of a *swap*: when 10 %
        of the elements are kept, the cosine of the two views is 0.01.
    per
        Draw the operator per ``"sample"`` (the paper) or per ``"batch"`` (a simpler variant).
    """

    operators: Annotated[tuple[AnyOperator, ...], BeforeValidator(_as_operators), Field(min_length=1)] = (Linear(),)
    alpha: float = Field(default=0.5, ge=0, le=1)
    keep_prob: float = Field(default=0.7, ge=0, le=1, validation_alias=AliasChoices("keep_prob", "rho"))
    per: Literal["sample", "batch"] = "sample"

    def mixtures(
        self, x: Float[Tensor, " B *s"], generator: torch.Generator, layout: Layout | None
    ) -> tuple[Mixture, Mixture]:
        n = len(x)
        drawn = torch.randint(
            len(self.operators),
            (n if self.per == "sample" else 1,),
            generator=generator,
            device=generator.device,
        ).expand(n)
        first, second = (self._view(x, drawn, generator, layout) for _ in range(2))
        return first, second

    def _view(self, x: Tensor, drawn: Tensor, generator: torch.Generator, layout: Layout | None) -> Mixture:
        # Algorithm 1, lines 4 to 9: each view draws its own lambda and partner.
        views = []
        for operator in self.operators:
            partner = weights.other_partner(len(x), generator)
            if operator.weight_is_probability:
                weight = weights.constant(len(x), self.keep_prob, x.device)
            else:
                weight = weights.uniform(len(x), self.alpha, generator)
            views.append(operator(x, partner, weight, generator=generator, layout=layout))
        view = views[0]
        for number, other in enumerate(views[1:], start=1):
            view = _select(drawn == number, other, view)
        return view


def _select(condition: Bool[Tensor, " B"], first: Mixture, second: Mixture) -> Mixture:
    """Take each sample from the first mixture where the condition holds, else from the second."""
    each = (torch.where(condition.reshape(-1, *(1,) * (a.dim() - 1)), a, b) for a, b in zip(first, second))
    return Mixture(*each)
