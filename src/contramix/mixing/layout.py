"""Describe which elements of an encoded table row belong together and may be averaged, so that mixing respects types.

A row is encoded as a flat vector. A *unit* is the group of its elements that encode one column: a single number, a
one-hot group, the parts of a date, or a value with its missing flag.
"""

from dataclasses import dataclass, field, fields, replace

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """Describe how the D elements of an encoded table row form U units, one per column, and what each element holds.

    A unit is the group of elements that encode one column: a single number, a one-hot group, the parts of a date, or a
    value with its missing flag.

    Parameters
    ----------
    unit
        Index of the unit that each element belongs to.
    blend
        Whether the elements of a unit may be averaged. If not, a mixture copies the unit from one sample.
    missing_at
        For each unit, the index of its missing flag: the element that is 1 if the value of the column is missing. -1 if
        the unit has no missing flag.
    numeric
        Whether each element is a number, rather than a one-hot entry, a missing flag or a category code.
    flag
        Whether each element is a missing flag.
    code
        Whether each element is the integer code of a category, with which arithmetic makes no sense.
    low, high
        Minimum and maximum of each element over the training rows.
    units, has_missing, has_numeric, all_blend
        Computed from the other fields: number of units U, whether any unit has a missing flag, whether any element is a
        number, and whether all units may be averaged.
    """

    unit: Int[Tensor, " D"]
    blend: Bool[Tensor, " U"]
    missing_at: Int[Tensor, " U"]
    numeric: Bool[Tensor, " D"]
    flag: Bool[Tensor, " D"]
    code: Bool[Tensor, " D"]
    low: Float[Tensor, " D"]
    high: Float[Tensor, " D"]

    units: int = field(init=False)
    has_missing: bool = field(init=False)
    has_numeric: bool = field(init=False)
    all_blend: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", len(self.blend))
        object.__setattr__(self, "has_missing", bool((self.missing_at >= 0).any()))
        object.__setattr__(self, "has_numeric", bool(self.numeric.any()))
        object.__setattr__(self, "all_blend", bool(self.blend.all()))

    def to(self, device: torch.device | str) -> "Layout":
        """Return a copy of the layout with its tensors on the given device."""
        moved = {
            f.name: getattr(self, f.name).to(device) for f in fields(self) if isinstance(getattr(self, f.name), Tensor)
        }
        return replace(self, **moved)

    def observed_weight(
        self, x: Float[Tensor, " B D"], partner: Int[Tensor, " B P"], weight: Float[Tensor, " B K"]
    ) -> Float[Tensor, " B K U"]:
        """Return mixing weights per unit (table column), with weight 0 for sources in which its value is missing.

        Sample i is mixed from K = P + 1 sources, row i of ``x`` and the rows ``partner[i]``, with the weights
        ``weight[i]``. For each unit, the weights of sources without a value are set to 0, and the others are rescaled
        to sum to 1. If no source with a positive weight has a value, the weights are not changed.
        """
        per_unit = weight[:, :, None].expand(-1, -1, self.units)
        if not self.has_missing:
            return per_unit
        # A flag of an already mixed sample whose sources all miss the value is 1 up to rounding.
        missing = ((x[:, self.missing_at.clamp(min=0)] - 1).abs() < 0.5) & (self.missing_at >= 0)
        seen = per_unit * ~torch.cat([missing[:, None], missing[partner]], 1)
        total = seen.sum(1, keepdim=True)
        return torch.where(total > 0, seen / total.clamp(min=1e-12), per_unit)

    def on_elements(self, per_unit: Shaped[Tensor, " B K U"]) -> Shaped[Tensor, " B K D"]:
        """Expand weights or masks from one value per unit to one value per element of a row, (B, K, U) to (B, K, D)."""
        return per_unit[:, :, self.unit]


def realized_weights(per_unit: Shaped[Tensor, " B K *u"]) -> Float[Tensor, " B K"]:
    """Return the fraction of each sample's mixture that comes from each of its K sources.

    ``per_unit`` holds the weights of the sources per unit (table column), or a boolean mask that says from which source
    each unit or element was copied. The fraction is its mean over all axes after the second.
    """
    flat = per_unit.flatten(2).mean(2, dtype=torch.promote_types(per_unit.dtype, torch.float32))
    return flat / flat.sum(1, keepdim=True)
