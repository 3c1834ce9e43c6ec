"""Describe which elements of a flat vector belong together and may be averaged, so that mixing respects types.

A table row is such a vector. A *unit* is one column: a single number, a one-hot group, the parts of a date, or a value
with its missing flag. Operators consult the layout and therefore need to know nothing about tables.
"""

from dataclasses import dataclass, field, fields, replace

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """Map the D elements of a flat vector to U units, and hold the type and range of each."""

    unit: Int[Tensor, " D"]
    """Index of the unit that each element belongs to."""
    blend: Bool[Tensor, " U"]
    """Whether a unit's values may be averaged; otherwise the unit is copied from one sample."""
    missing_at: Int[Tensor, " U"]
    """Index of the element that is 1 where the unit is missing, or -1 if it has no such element."""
    numeric: Bool[Tensor, " D"]
    """Elements that hold a number: no one-hot, missing flag or code."""
    flag: Bool[Tensor, " D"]
    """Elements that are missing flags."""
    code: Bool[Tensor, " D"]
    """Elements that hold the integer code of a category; arithmetic on them is meaningless."""
    low: Float[Tensor, " D"]
    """Minimum of each element over the training rows."""
    high: Float[Tensor, " D"]
    """Maximum of each element over the training rows."""

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
        """Return weights per unit, moved from sources in which the unit is missing to those in which it is observed.

        A unit that is missing in every source with a positive weight keeps its weights. A weight of 1 therefore
        returns x.
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
        """Expand weights per unit to weights per element."""
        return per_unit[:, :, self.unit]


def realized_weights(per_unit: Shaped[Tensor, " B K *u"]) -> Float[Tensor, " B K"]:
    """Return the realized weight of each source: the mean of a mask or of weights over all units."""
    flat = per_unit.flatten(2).mean(2, dtype=torch.promote_types(per_unit.dtype, torch.float32))
    return flat / flat.sum(1, keepdim=True)
