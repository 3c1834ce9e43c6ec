"""What an operator is: given samples, partners and nominal weights, it mixes and says what weights it realised."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.settings import Settings
from contramix.types import Mixed


class Operator(Settings, ABC):
    """Mixes each sample with its partners.

    Fields of a subclass are its settings; ``__call__`` is its formula. ``keeps`` says that its weight is a
    probability to keep an element, which mixup noise holds constant (eq. 6), and not a share drawn anew; ``per``
    says for what i-Mix's code draws a weight.
    """

    keeps: ClassVar[bool] = False
    most_partners: ClassVar[int] = 16
    per: ClassVar[Literal["sample", "batch"]] = "sample"

    @abstractmethod
    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        partner: Int[Tensor, " B P"],
        weight: Float[Tensor, " B K"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
    ) -> Mixed:
        """Mix.

        Parameters
        ----------
        x
            The samples; they are not changed.
        partner
            Indices into ``x`` of each sample's partners.
        weight
            Nominal weights, K = P + 1, the sample's own first; rows sum to 1.
        generator
            Where the operator's own draws come from, on the device of ``x``.
        layout
            For flat vectors: which elements move together and which may be blended. None: any, each alone.
        """


def sources(x: Float[Tensor, " B *s"], partner: Int[Tensor, " B P"]) -> Float[Tensor, " B K *s"]:
    """Each sample followed by its partners."""
    return torch.cat([x[:, None], x[partner]], 1)


def spread(weight: Float[Tensor, " B K"], x: Float[Tensor, " B *s"]) -> Tensor:
    """Weights shaped so that each multiplies samples: (B, K, 1, ..., 1)."""
    return weight.reshape(weight.shape + (1,) * (x.dim() - 1)).to(x.dtype)


def mixture(
    x: Float[Tensor, " B *s"], partner: Int[Tensor, " B P"], weight: Float[Tensor, " B K *w"]
) -> Float[Tensor, " B *s"]:
    """The weighted sum of each sample and its partners, one source after the other; ``*w`` is ``*s`` or ones."""
    out = weight[:, 0] * x
    for k, source in enumerate(partner.unbind(1), start=1):
        out = out.addcmul_(weight[:, k], x.index_select(0, source))
    return out


def choose(
    probability: Float[Tensor, " B K *p"], generator: torch.Generator, shape: torch.Size | None = None
) -> Bool[Tensor, " B K *u"]:
    """One source drawn for each unit, by inverse cumulative probability; one-hot along dimension 1.

    ``shape`` says how many units, where ``probability`` is the same for all (``*p`` is ``*u`` or ones).
    """
    shape = probability.shape if shape is None else shape
    drawn = torch.rand((shape[0], 1, *shape[2:]), generator=generator, device=probability.device)
    if shape[1] == 2:
        own = drawn < probability[:, :1]
        return torch.cat([own, ~own], 1)
    upper = probability.cumsum(1).expand(shape)
    lower = torch.cat([torch.zeros_like(upper[:, :1]), upper[:, :-1]], 1)
    # The last source takes what rounding leaves above its upper end.
    upper = torch.cat([upper[:, :-1], torch.ones_like(upper[:, :1])], 1)
    return (lower <= drawn) & (drawn < upper)
