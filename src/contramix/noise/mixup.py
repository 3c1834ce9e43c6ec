"""Make views by mixing each sample with another one, without mixing labels (Algorithm 1 of DACL)."""

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
    """Make each of the two views of a sample by mixing it with another random sample of the batch (DACL).

    Parameters
    ----------
    operators
        One mixing operator (DACL) or several (DACL+: linear, geometric and binary). With several, an operator is drawn
        for each sample and used for both of its views, with different weights and partners.
    alpha
        Smallest weight of the sample itself: the weight is drawn from U(alpha, 1) (eq. 3 to 5 of DACL).
    keep_prob
        Probability that binary mixing keeps an element of the sample: rho in eq. 6 (``rho`` is accepted as an alias).
        NOTE[DIFF]: the DACL paper tunes rho over {.1, .3, .5}. These values make sense only as the probability of
        replacing an element: if only 10 % of the elements are kept, the two views have a cosine similarity of 0.01.
    per
        Whether an operator is drawn for each ``"sample"``, as in the paper, or once per ``"batch"``.
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
    """Return a mixture whose rows come from ``first`` where ``condition`` is True, and from ``second`` elsewhere."""
    each = (torch.where(condition.reshape(-1, *(1,) * (a.dim() - 1)), a, b) for a, b in zip(first, second))
    return Mixture(*each)
