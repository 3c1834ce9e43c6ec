"""The few shapes that pass between the axes: what an operator made, what a query should match, what a method sees."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Mixed(NamedTuple):
    """What an operator made of a batch."""

    x: Float[Tensor, " B *s"]
    partner: Int[Tensor, " B P"]
    """Which samples went in, besides the sample itself."""
    weight: Float[Tensor, " B K"]
    """The realised weights, K = P + 1: its own first. Rows sum to 1."""


class Targets(NamedTuple):
    """Soft virtual labels, sparse: query i matches key ``index[i, m]`` with ``weight[i, m]``.

    M = 1 is the plain label, 2 is i-Mix, more is i-Mix with several partners. An index may appear twice in
    a row (a sample mixed with itself): its weights add.
    """

    index: Int[Tensor, " B M"]  # type: ignore[assignment]  # shadows tuple.index
    weight: Float[Tensor, " B M"]

    @classmethod
    def plain(cls, n: int, device: torch.device | str = "cpu") -> "Targets":
        """Query i matches key i, with weight 1."""
        return cls(torch.arange(n, device=device)[:, None], torch.ones(n, 1, device=device))

    @classmethod
    def of(cls, mixed: Mixed) -> "Targets":
        """The virtual labels, mixed as the inputs were (i-Mix, section 3 of the paper)."""
        own = torch.arange(len(mixed.partner), device=mixed.partner.device)[:, None]
        return cls(torch.cat([own, mixed.partner], 1), mixed.weight)


class Views(NamedTuple):
    """What a method compares: two views of a batch, as activations behind the stage ``cut``.

    Where every view is a query and a key (SimCLR) and nothing is mixed, ``query is key``.
    """

    query: Float[Tensor, " Q *s"]
    key: Float[Tensor, " K *s"]
    targets: Targets
    cut: str = "input"
