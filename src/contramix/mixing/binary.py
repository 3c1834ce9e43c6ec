"""Binary mixing, eq. 6 of DACL: each element, or each unit of a layout, from one sample or the other."""

from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.mixing.layout import Layout, realised
from contramix.mixing.operator import Operator, choose
from contramix.types import Mixed


class Binary(Operator):
    """``x~ = m * x_i + (1 - m) * x_j`` with m ~ Bernoulli(weight) for each element.

    The labels get the *realised* share of m. A unit moves whole, with its missing flag.
    """

    keeps: ClassVar[bool] = True

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        partner: Int[Tensor, " B P"],
        weight: Float[Tensor, " B K"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
    ) -> Mixed:
        sizes = x.shape[1:] if layout is None else (layout.units,)
        shape = torch.Size((*weight.shape, *sizes))
        probability = weight.reshape(weight.shape + (1,) * (len(shape) - 2))
        mask = choose(probability, generator, shape)
        elements = mask if layout is None else layout.on_elements(mask)
        out = x
        for k, source in enumerate(partner.unbind(1), start=1):
            out = torch.where(elements[:, k], x.index_select(0, source), out)
        return Mixed(out, partner, realised(mask))
