"""Define the base class of mixing operators, and tensor operations that several of them use."""

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.settings import Settings
from contramix.types import Mixture


class Operator(Settings, ABC):
    """Define the interface of an operator, which mixes each sample of a batch with other samples, its partners.

    The fields of a subclass are its settings, and ``__call__`` computes the mixture. The operator gets nominal weights
    and returns the weights that the mixture really has, which differ if elements are copied instead of averaged.

    Attributes
    ----------
    weight_is_probability
        Whether a weight is the probability of keeping an element. If True, mixup noise uses a constant weight
        (DACL, eq. 6).
    max_partners
        Maximum number of partners of a sample.
    weight_per
        Whether i-Mix by default draws weights for each ``"sample"`` or once per ``"batch"``, as in its authors' code.
    """

    weight_is_probability: ClassVar[bool] = False
    max_partners: ClassVar[int] = 16
    weight_per: ClassVar[Literal["sample", "batch"]] = "sample"

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
            For encoded table rows: which elements form one column, and which columns may be averaged. None: every
            element is mixed independently of the others.

        Returns
        -------
        Mixture
            The mixed samples, ``partner``, and the weights that the mixture really has.
        """


def sources(x: Float[Tensor, " B *s"], partner: Int[Tensor, " B P"]) -> Float[Tensor, " B K *s"]:
    """Stack each sample and its P partners along a new axis 1 of size K = P + 1.

    The partners of sample i are the rows ``partner[i]`` of ``x``. The sample itself comes first.
    """
    return torch.cat([x[:, None], x[partner]], 1)


def broadcast_weights(weight: Float[Tensor, " B K"], x: Float[Tensor, " B *s"]) -> Tensor:
    """Reshape weights to (B, K, 1, ..., 1), so that they broadcast against K stacked samples of the shape of ``x``."""
    return weight.reshape(weight.shape + (1,) * (x.dim() - 1)).to(x.dtype)


def weighted_sum(
    x: Float[Tensor, " B *s"], partner: Int[Tensor, " B P"], weight: Float[Tensor, " B K *w"]
) -> Float[Tensor, " B *s"]:
    """Return the weighted sum of each sample and its partners, which are the rows ``partner[i]`` of ``x``.

    ``weight[:, 0]`` weights the sample itself and ``weight[:, k]`` its k-th partner; both broadcast against ``x``.
    """
    out = weight[:, 0] * x
    for k, source in enumerate(partner.unbind(1), start=1):
        out = out.addcmul_(weight[:, k], x.index_select(0, source))
    return out


def draw_sources(
    probability: Float[Tensor, " B K *p"], generator: torch.Generator, shape: torch.Size | None = None
) -> Bool[Tensor, " B K *u"]:
    """Draw one of K sources for each position, and return a boolean mask that is one-hot along axis 1.

    A position is one index into the batch and all axes after axis 1. ``probability`` holds the probabilities of the K
    sources along axis 1 and is broadcast to ``shape``, the shape of the result. None: the shape of ``probability``.
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
