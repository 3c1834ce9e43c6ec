"""Mix samples by a weighted sum (DACL, eq. 3; the default of i-Mix)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.mixing.layout import Layout, realized_weights
from contramix.mixing.operator import Operator, broadcast_weights, draw_sources, weighted_sum
from contramix.types import Mixture


class Linear(Operator):
    """Mix samples by the weighted sum ``lambda x_i + (1 - lambda) x_j``, with one term per partner.

    With a layout, a table column that may not be averaged is copied from one of the samples, drawn with the weights as
    probabilities. The returned weights are then the mean shares over all columns.

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
    """Return mixing weights per unit of a layout: ``weight`` if the unit may be averaged, else one-hot.

    The one-hot source is drawn with ``weight`` as probabilities. Sources in which the unit is missing get weight 0.
    """
    per_unit = layout.observed_weight(x, partner, weight)
    if layout.all_blend:
        return per_unit
    return torch.where(layout.blend, per_unit, draw_sources(per_unit, generator))
