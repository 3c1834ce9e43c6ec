"""Mix images by pasting a rectangle of one over the other (CutMix; Yun et al., ICCV 2019)."""

from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.errors import InputError
from contramix.mixing.binary import Binary
from contramix.mixing.layout import Layout
from contramix.mixing.operator import Operator
from contramix.types import Mixture


class CutMix(Operator):
    """Mix images by replacing a box in each sample with the same box of its partner (CutMix).

    ``weight`` is the fraction of the area that the sample keeps. The center of the box is drawn uniformly. Along the
    height and the width (``side`` pixels), the box extends ``floor(floor(side * sqrt(1 - weight)) / 2)`` pixels in both
    directions and is clipped at the borders (Yun et al., 2019, and the authors' code of i-Mix). The weights of the
    returned mixture are the fractions of the area after clipping. As in the authors' code, i-Mix draws one weight per
    batch for this operator, but each sample has its own box. Inputs with fewer than two spatial axes are mixed with
    :class:`Binary` instead.

    Raises
    ------
    InputError
        If samples have more than one partner.
    """

    max_partners: ClassVar[int] = 1
    weight_per: ClassVar[Literal["sample", "batch"]] = "batch"

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        partner: Int[Tensor, " B P"],
        weight: Float[Tensor, " B K"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
    ) -> Mixture:
        if partner.shape[1] > self.max_partners:
            raise InputError(f"cutmix takes one partner per sample, not {partner.shape[1]}; use linear or binary")
        if x.dim() < 4:
            return Binary()(x, partner, weight, generator=generator, layout=layout)
        height, width = x.shape[-2:]
        inside = self._box(height, weight, generator)[:, :, None] & self._box(width, weight, generator)[:, None, :]
        kept = 1 - inside.to(x.dtype).mean((1, 2))
        pasted = inside.reshape(len(x), *(1,) * (x.dim() - 3), height, width)
        return Mixture(torch.where(pasted, x[partner[:, 0]], x), partner, torch.stack([kept, 1 - kept], 1))

    @staticmethod
    def _box(side: int, weight: Float[Tensor, " B K"], generator: torch.Generator) -> Tensor:
        """Draw the extent of each sample's box along one axis that has ``side`` pixels.

        ``weight[:, 0]`` is the fraction of the area that a sample keeps. The result is a boolean tensor (B, side), True
        at pixels inside the box.
        """
        half = torch.floor(torch.floor(side * torch.sqrt((1 - weight[:, :1]).clamp(min=0))) / 2)
        center = torch.floor(side * torch.rand((len(weight), 1), generator=generator, device=weight.device))
        position = torch.arange(side, device=weight.device)
        return (center - half <= position) & (position < center + half)
