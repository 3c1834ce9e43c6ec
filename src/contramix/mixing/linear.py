"""Linear mixing, eq. 3 of DACL and Mix() of i-Mix."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.mixing.layout import Layout, realised
from contramix.mixing.operator import Operator, choose, mixture, spread
from contramix.types import Mixed


class Linear(Operator):
    """``x~ = lambda x_i + (1 - lambda) x_j``, or the same sum over several partners.

    With a layout, units that may not be blended are taken whole from one source, drawn with the weights as
    probabilities, and the weight that came out over all units is what goes into the labels.

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
    ) -> Mixed:
        if layout is None:
            return Mixed(mixture(x, partner, spread(weight, x)), partner, weight)
        per_unit = unit_weights(x, partner, weight, layout, generator)
        return Mixed(mixture(x, partner, layout.on_elements(per_unit)), partner, realised(per_unit))


def unit_weights(
    x: Float[Tensor, " B D"],
    partner: Int[Tensor, " B P"],
    weight: Float[Tensor, " B K"],
    layout: Layout,
    generator: torch.Generator,
) -> Float[Tensor, " B K U"]:
    """Weights per unit: as given where a unit may be blended, else 1 for the one source drawn."""
    per_unit = layout.observed_weight(x, partner, weight)
    if layout.all_blend:
        return per_unit
    return torch.where(layout.blend, per_unit, choose(per_unit, generator))
