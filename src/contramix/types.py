"""The few shapes that pass between the axes: what an operator made, what a query should match, what a method sees."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Mixed(NamedTuple):
    """What an operator made of a batch."""

    x: Float[Tensor, " B *s"]
    partner: Int[Tensor, " B P"]
    """Which samples went in, besides the sample itself."""
    weight: Float[Tensor, " B K"]
    """The realized weights, K = P + 1: its own first. Rows sum to 1."""


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

    def behind(self, keys: int) -> "Targets":
        """The same labels, of keys that stand behind so many others."""
        return Targets(self.index + keys, self.weight) if keys else self


class Ragged(ABC):
    """A batch of which one tensor, ``values``, is mixed, and the rest goes along.

    Operators and noises see ``values`` only, so none of them knows what a sequence or a graph is.
    """

    values: Float[Tensor, " B *s"]

    def __len__(self) -> int:
        return len(self.values)

    @abstractmethod
    def replaced(self, values: Float[Tensor, " B *s"]) -> "Ragged":
        """The same batch with other values."""

    @abstractmethod
    def mixed(self, mixed: Mixed) -> "Ragged":
        """The batch with its values mixed, and what goes along brought into line with that."""

    @classmethod
    @abstractmethod
    def joined(cls, parts: "Sequence[Any]") -> "Ragged":
        """Batches, one behind the other."""

    @abstractmethod
    def split(self, sizes: Sequence[int]) -> "tuple[Ragged, ...]":
        """The batch in parts."""


Activations = Tensor | Ragged
"""What flows through an encoder."""


def values_of(x: Activations) -> Float[Tensor, " B *s"]:
    """What is mixed of a batch."""
    return x.values if isinstance(x, Ragged) else x


def mixed_in(x: Activations, mixed: Mixed) -> Activations:
    """The batch whose values were mixed."""
    return x.mixed(mixed) if isinstance(x, Ragged) else mixed.x


def joined(parts: Sequence[Activations]) -> Activations:
    """Batches of a kind, one behind the other."""
    first = parts[0]
    return type(first).joined(parts) if isinstance(first, Ragged) else torch.cat(parts)  # type: ignore[arg-type]


def split(x: Activations, sizes: Sequence[int]) -> tuple[Activations, ...]:
    """A batch in parts of such sizes."""
    return x.split(sizes) if isinstance(x, Ragged) else torch.split(x, list(sizes))


class Views(NamedTuple):
    """What a method compares: two views of a batch, as activations behind the stage ``cut``.

    Where every view is a query and a key (SimCLR) and nothing is mixed, ``query is key``.
    """

    query: Activations
    key: Activations
    targets: Targets
    cut: str = "input"
