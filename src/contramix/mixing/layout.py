"""Typed mixing: which elements of a flat vector move together, which may be averaged, and which say «missing».

A table's row is such a vector. A *unit* is one column: one number, or the elements of a one-hot group, of a
date, of a value and its missing flag. Operators ask a layout, and so know nothing of tables.
"""

from dataclasses import dataclass, field, fields, replace

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor


@dataclass(frozen=True)
class Layout:
    """How a flat vector of D elements falls into U units."""

    unit: Int[Tensor, " D"]
    """Which unit an element belongs to."""
    blend: Bool[Tensor, " U"]
    """Whether a unit's values may be averaged; a unit that may not is taken whole from one sample."""
    missing_at: Int[Tensor, " U"]
    """The element that is exactly 1 where the unit was not observed, or -1."""
    numeric: Bool[Tensor, " D"]
    """Elements that hold a quantity: not one-hot, flag or code."""
    flag: Bool[Tensor, " D"]
    """Elements that say «missing»."""
    code: Bool[Tensor, " D"]
    """Elements that hold a whole number standing for a level; arithmetic on them means nothing."""
    low: Float[Tensor, " D"]
    """Smallest value of an element among the training rows."""
    high: Float[Tensor, " D"]
    """Largest value of an element among the training rows."""

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
        """The same layout with its tensors on a device."""
        moved = {
            f.name: getattr(self, f.name).to(device) for f in fields(self) if isinstance(getattr(self, f.name), Tensor)
        }
        return replace(self, **moved)

    def observed_weight(
        self, x: Float[Tensor, " B D"], partner: Int[Tensor, " B P"], weight: Float[Tensor, " B K"]
    ) -> Float[Tensor, " B K U"]:
        """Weights per unit, with what is missing in some sources left to the sources that observed it.

        A unit that no source with a weight above zero observed keeps its weights; so weight 1 gives x.
        """
        per_unit = weight[:, :, None].expand(-1, -1, self.units)
        if not self.has_missing:
            return per_unit
        # A flag that was mixed before, of samples that all miss the value, is 1 but for rounding.
        missing = ((x[:, self.missing_at.clamp(min=0)] - 1).abs() < 0.5) & (self.missing_at >= 0)
        seen = per_unit * ~torch.cat([missing[:, None], missing[partner]], 1)
        total = seen.sum(1, keepdim=True)
        return torch.where(total > 0, seen / total.clamp(min=1e-12), per_unit)

    def on_elements(self, per_unit: Shaped[Tensor, " B K U"]) -> Shaped[Tensor, " B K D"]:
        """Each element gets its unit's weight."""
        return per_unit[:, :, self.unit]


def realised(per_unit: Shaped[Tensor, " B K *u"]) -> Float[Tensor, " B K"]:
    """The share of a sample that came from each source, every unit counting alike; of weights, or of a mask."""
    flat = per_unit.flatten(2).mean(2, dtype=torch.promote_types(per_unit.dtype, torch.float32))
    return flat / flat.sum(1, keepdim=True)
