"""Define the data passed between operators, noises, encoders and methods: mixtures, targets, activations and views."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Mixture(NamedTuple):
    """Hold a mixed batch, its partners and the realized weights, as an operator returns them."""

    x: Float[Tensor, " B *s"]
    partner: Int[Tensor, " B P"]
    """Indices of the other samples that each sample was mixed with."""
    weight: Float[Tensor, " B K"]
    """Realized weights of the K = P + 1 sources, the sample's own first. Rows sum to 1."""


class Targets(NamedTuple):
    """Hold sparse soft virtual labels: query i matches key ``index[i, m]`` with ``weight[i, m]``.

    M = 1 is a plain label, M = 2 is i-Mix, and larger M is i-Mix with several partners. An index may occur twice in a
    row (a sample mixed with itself); its weights then add up.
    """

    index: Int[Tensor, " B M"]  # type: ignore[assignment]  # shadows tuple.index
    weight: Float[Tensor, " B M"]

    @classmethod
    def identity(cls, n: int, device: torch.device | str = "cpu") -> "Targets":
        """Return the labels by which query i matches key i with weight 1."""
        return cls(torch.arange(n, device=device)[:, None], torch.ones(n, 1, device=device))

    @classmethod
    def from_mixture(cls, mixed: Mixture) -> "Targets":
        """Return virtual labels mixed with the same weights as the inputs (i-Mix, section 3 of the paper)."""
        own = torch.arange(len(mixed.partner), device=mixed.partner.device)[:, None]
        return cls(torch.cat([own, mixed.partner], 1), mixed.weight)

    def with_offset(self, keys: int) -> "Targets":
        """Return the same labels for keys that come after ``keys`` other keys."""
        return Targets(self.index + keys, self.weight) if keys else self


class RaggedBatch(ABC):
    """Hold a batch of padded sequences or graphs, of which operators and noises change only ``values``.

    Subclasses keep the rest (padding masks, edges) consistent, so that operators need not know of sequences or graphs.
    """

    values: Float[Tensor, " B *s"]

    def __len__(self) -> int:
        return len(self.values)

    @abstractmethod
    def with_values(self, values: Float[Tensor, " B *s"]) -> "RaggedBatch":
        """Return the same batch with other values."""

    @abstractmethod
    def apply_mixture(self, mixed: Mixture) -> "RaggedBatch":
        """Return the batch with mixed values, and masks or graphs combined accordingly."""

    @classmethod
    @abstractmethod
    def concatenate(cls, parts: "Sequence[Any]") -> "RaggedBatch":
        """Concatenate batches along the sample axis."""

    @abstractmethod
    def split(self, sizes: Sequence[int]) -> "tuple[RaggedBatch, ...]":
        """Split the batch along the sample axis into batches of the given sizes."""


Activations = Tensor | RaggedBatch
"""Type of what an encoder's stages take and return."""


def get_values(x: Activations) -> Float[Tensor, " B *s"]:
    """Return the tensor of a batch that operators and noises change."""
    return x.values if isinstance(x, RaggedBatch) else x


def apply_mixture(x: Activations, mixed: Mixture) -> Activations:
    """Return the batch with the values of a mixture."""
    return x.apply_mixture(mixed) if isinstance(x, RaggedBatch) else mixed.x


def concatenate(parts: Sequence[Activations]) -> Activations:
    """Concatenate batches of the same type along the sample axis."""
    first = parts[0]
    return type(first).concatenate(parts) if isinstance(first, RaggedBatch) else torch.cat(parts)  # type: ignore[arg-type]


def split(x: Activations, sizes: Sequence[int]) -> tuple[Activations, ...]:
    """Split a batch along the sample axis into batches of the given sizes."""
    return x.split(sizes) if isinstance(x, RaggedBatch) else torch.split(x, list(sizes))


class Views(NamedTuple):
    """Hold what a method compares: queries and keys as activations at the cut ``cut``, and their targets.

    If every view is both a query and a key (SimCLR) and nothing is mixed, ``query is key``.
    """

    query: Activations
    key: Activations
    targets: Targets
    cut: str = "input"
