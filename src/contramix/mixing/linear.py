"""Mix samples by a weighted sum (DACL, eq. 3; the default of i-Mix)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.mixing.layout import Layout, realized_weights
from contramix.mixing.operator import Operator, broadcast_weights, draw_sources, weighted_sum
from contramix.types import Mixture


class Linear(Operator):
    """Mix samples by the weighted sum ``lambda x_i + (1 - lambda) x_j``, with one more term for each further partner.

    With a layout, a table column that may not be averaged is copied from one of the samples, drawn with the weights as
    probabilities. The weights of the returned mixture are then the means over all columns of the weights of the
    samples.

    Examples
    --------
    >>> import torch
    >>> x, g = torch.tensor([[0.0, 2.0], [4.0, 6.0]]), torch.Generator()
    >>> Linear()(x, torch.tensor([[1], [0]]), torch.tensor([[0.75, 0.25]] * 2), generator=g).x
    tensor([[1., 3.],
            [3., 5.]])
    """

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        partner: Int[Tensor, " B P"],
        weight: Float[Tensor, " B K"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
    ) -> Mixture:
        if layout is None:
            return Mixture(weighted_sum(x, partner, broadcast_weights(weight, x)), partner, weight)
        per_unit = unit_weights(x, partner, weight, layout, generator)
        return Mixture(weighted_sum(x, partner, layout.on_elements(per_unit)), partner, realized_weights(per_unit))


def unit_weights(
    x: Float[Tensor, " B D"],
    partner: Int[Tensor, " B P"],
    weight: Float[Tensor, " B K"],
    layout: Layout,
    generator: torch.Generator,
) -> Float[Tensor, " B K U"]:
    """Return the mixing weights of the K sources of each sample for each unit (table column) of a layout.

    Sample i is mixed from K = P + 1 sources: row i of ``x`` and the rows ``partner[i]``. For each unit, sources in
    which its value is missing get weight 0, and the other weights in ``weight[i]`` are rescaled to sum to 1. If the
    unit may not be averaged, one source is drawn with these weights as probabilities and gets weight 1, the others 0.
    """
    per_unit = layout.observed_weight(x, partner, weight)
    if layout.all_blend:
        return per_unit
    return torch.where(layout.blend, per_unit, draw_sources(per_unit, generator))
