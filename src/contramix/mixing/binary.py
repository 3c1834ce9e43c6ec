"""Mix samples by copying each element from one of them at random (DACL, eq. 6)."""

from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.mixing.layout import Layout, realized_weights
from contramix.mixing.operator import Operator, draw_sources
from contramix.types import Mixture


class Binary(Operator):
    """Mix samples by copying each element from sample i with probability ``weight``, else from its partner j.

    This is ``m * x_i + (1 - m) * x_j`` with m ~ Bernoulli(weight) drawn for each element. The weights of the returned
    mixture are the fractions of elements that were copied from each sample. With a layout, all elements of a table
    column (a one-hot group, or a value and its missing flag) are copied from the same sample.
    """

    weight_is_probability: ClassVar[bool] = True

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        partner: Int[Tensor, " B P"],
        weight: Float[Tensor, " B K"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
    ) -> Mixture:
        sizes = x.shape[1:] if layout is None else (layout.units,)
        shape = torch.Size((*weight.shape, *sizes))
        probability = weight.reshape(weight.shape + (1,) * (len(shape) - 2))
        mask = draw_sources(probability, generator, shape)
        elements = mask if layout is None else layout.on_elements(mask)
        out = x
        for k, source in enumerate(partner.unbind(1), start=1):
            out = torch.where(elements[:, k], x.index_select(0, source), out)
        return Mixture(out, partner, realized_weights(mask))
