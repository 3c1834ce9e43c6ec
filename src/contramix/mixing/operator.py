"""Define the interface of mixing operators, and the tensor operations that they share."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.settings import Settings
from contramix.types import Mixture


class Operator(Settings, ABC):
    """Mix each sample with its partners, given nominal weights, and report the realized weights.

    The fields of a subclass are its settings, and ``__call__`` is its formula.
    """

    weight_is_probability: ClassVar[bool] = False
    """Whether the weight is the probability of keeping an element. Mixup noise then holds it constant (DACL, eq. 6)."""
    max_partners: ClassVar[int] = 16
    """Maximum number of partners of a sample."""
    weight_per: ClassVar[Literal["sample", "batch"]] = "sample"
    """What the published i-Mix code draws one weight for."""

    @abstractmethod
    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        partner: Int[Tensor, " B P"],
        weight: Float[Tensor, " B K"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
    ) -> Mixture:
        """Mix each sample with its partners.

        Parameters
        ----------
        x
            Batch of samples. It is not modified.
        partner
            Indices into ``x`` of each sample's P partners.
        weight
            Nominal weights of the K = P + 1 sources, the sample's own first. Rows sum to 1.
        generator
            Source of the operator's random draws, on the device of ``x``.
        layout
            For flat vectors: which elements belong together and which may be averaged. None: every element is mixed
            on its own.

        Returns
        -------
        Mixture
            The mixed samples, the partners, and the realized weights.
        """


def sources(x: Float[Tensor, " B *s"], partner: Int[Tensor, " B P"]) -> Float[Tensor, " B K *s"]:
    """Stack each sample with its partners along a new axis 1."""
    return torch.cat([x[:, None], x[partner]], 1)


def broadcast_weights(weight: Float[Tensor, " B K"], x: Float[Tensor, " B *s"]) -> Tensor:
    """Reshape weights to (B, K, 1, ..., 1) so that they broadcast over samples."""
    return weight.reshape(weight.shape + (1,) * (x.dim() - 1)).to(x.dtype)


def weighted_sum(
    x: Float[Tensor, " B *s"], partner: Int[Tensor, " B P"], weight: Float[Tensor, " B K *w"]
) -> Float[Tensor, " B *s"]:
    """Return the weighted sum of each sample and its partners; ``*w`` is ``*s`` or broadcasts to it."""
    out = weight[:, 0] * x
    for k, source in enumerate(partner.unbind(1), start=1):
        out = out.addcmul_(weight[:, k], x.index_select(0, source))
    return out


def draw_sources(
    probability: Float[Tensor, " B K *p"], generator: torch.Generator, shape: torch.Size | None = None
) -> Bool[Tensor, " B K *u"]:
    """Draw one source per unit by inverse cumulative probability, and return it one-hot along axis 1.

    ``shape`` gives the shape of the result where ``probability`` has to be broadcast to it.
    """
    shape = probability.shape if shape is None else shape
    drawn = torch.rand((shape[0], 1, *shape[2:]), generator=generator, device=probability.device)
    if shape[1] == 2:
        own = drawn < probability[:, :1]
        return torch.cat([own, ~own], 1)
    upper = probability.cumsum(1).expand(shape)
    lower = torch.cat([torch.zeros_like(upper[:, :1]), upper[:, :-1]], 1)
    # The last interval ends at 1, so that rounding leaves no gap above it.
    upper = torch.cat([upper[:, :-1], torch.ones_like(upper[:, :1])], 1)
    return (lower <= drawn) & (drawn < upper)
