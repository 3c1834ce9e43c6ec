"""Mix by a weighted sum (DACL, eq. 3, and Mix() of i-Mix)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.mixing.layout import Layout, realized_weights
from contramix.mixing.operator import Operator, broadcast_weights, draw_sources, weighted_sum
from contramix.types import Mixture


class Linear(Operator):
    """Compute ``lambda x_i + (1 - lambda) x_j``, or the weighted sum over several partners.

    With a layout, a unit that may not be averaged is copied from one source, which is drawn with the weights as
    probabilities. The label weights are then the realized shares over all units.

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
    """Return weights per unit: the given ones where a unit may be averaged, else 1 for one drawn source."""
    per_unit = layout.observed_weight(x, partner, weight)
    if layout.all_blend:
        return per_unit
    return torch.where(layout.blend, per_unit, draw_sources(per_unit, generator))
