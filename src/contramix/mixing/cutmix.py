"""CutMix: a box of the partner is pasted over the sample."""

from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.errors import InputError
from contramix.mixing.binary import Binary
from contramix.mixing.layout import Layout
from contramix.mixing.operator import Operator
from contramix.types import Mixed


class CutMix(Operator):
    """Paste a box of area ``1 - weight`` over the last two axes; the labels get the area that lies inside.

    The box reaches half of ``floor(side * sqrt(1 - weight))``, rounded down, to each side of a uniform centre, and
    is clamped at the borders (Yun et al., 2019; i-Mix's code). i-Mix draws one weight a batch for it, as published;
    each sample draws its own box. On inputs without two axes to cut in, the analogue is binary mixing, and that is
    what is done.

    Raises
    ------
    InputError
        With more than one partner.
    """

    most_partners: ClassVar[int] = 1
    per: ClassVar[Literal["sample", "batch"]] = "batch"

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        partner: Int[Tensor, " B P"],
        weight: Float[Tensor, " B K"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
    ) -> Mixed:
        if partner.shape[1] > self.most_partners:
            raise InputError(f"cutmix takes one partner a sample, not {partner.shape[1]}; use linear or binary")
        if x.dim() < 4:
            return Binary()(x, partner, weight, generator=generator, layout=layout)
        height, width = x.shape[-2:]
        inside = self._box(height, weight, generator)[:, :, None] & self._box(width, weight, generator)[:, None, :]
        kept = 1 - inside.to(x.dtype).mean((1, 2))
        pasted = inside.reshape(len(x), *(1,) * (x.dim() - 3), height, width)
        return Mixed(torch.where(pasted, x[partner[:, 0]], x), partner, torch.stack([kept, 1 - kept], 1))

    @staticmethod
    def _box(side: int, weight: Float[Tensor, " B K"], generator: torch.Generator) -> Tensor:
        """Which positions along one axis lie in each sample's box: (B, side)."""
        half = torch.floor(torch.floor(side * torch.sqrt((1 - weight[:, :1]).clamp(min=0))) / 2)
        centre = torch.floor(side * torch.rand((len(weight), 1), generator=generator, device=weight.device))
        position = torch.arange(side, device=weight.device)
        return (centre - half <= position) & (position < centre + half)
