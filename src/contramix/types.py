"""Define the data types shared by mixing operators, noises, encoders and methods: mixtures, labels and batches."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Mixture(NamedTuple):
    """Collect the result of a mixing operator: the mixed batch, and which samples it was mixed from.

    ``partner[i]`` holds the indices of the P samples that sample i was mixed with. ``weight[i]`` holds the shares of
    the K = P + 1 sources that the mixture really contains, with sample i itself first; they sum to 1.
    """

    x: Float[Tensor, " B *s"]
    partner: Int[Tensor, " B P"]
    """Indices of the other samples that each sample was mixed with."""
    weight: Float[Tensor, " B K"]
    """Realized weights of the K = P + 1 sources, the sample's own first. Rows sum to 1."""


class Targets(NamedTuple):
    """Represent sparse soft labels: query i matches key ``index[i, m]`` with weight ``weight[i, m]``.

    Each row has M entries, whose weights sum to 1: M = 1 without mixing, and M = K for a mixture of K samples. The same
    index may occur twice in a row (a sample mixed with itself); its weights are then added.
    """

    index: Int[Tensor, " B M"]  # type: ignore[assignment]  # shadows tuple.index
    weight: Float[Tensor, " B M"]

    @classmethod
    def identity(cls, n: int, device: torch.device | str = "cpu") -> "Targets":
        """Return labels for ``n`` queries that are not mixed: query i matches key i with weight 1."""
        return cls(torch.arange(n, device=device)[:, None], torch.ones(n, 1, device=device))

    @classmethod
    def from_mixture(cls, mixed: Mixture) -> "Targets":
        """Return the labels of mixed queries: the key of each source matches with the weight of that source.

        This is section 3 of the i-Mix paper (Lee et al., ICLR 2021).
        """
        own = torch.arange(len(mixed.partner), device=mixed.partner.device)[:, None]
        return cls(torch.cat([own, mixed.partner], 1), mixed.weight)

    def with_offset(self, keys: int) -> "Targets":
        """Return the labels with all indices increased by ``keys``, for keys that follow that number of other keys."""
        return Targets(self.index + keys, self.weight) if keys else self


class RaggedBatch(ABC):
    """Represent a batch of sequences or graphs of different sizes, which does not fit in one tensor.

    ``values``, one vector or array per sample, is the only tensor that mixing operators and noises change. Subclasses
    keep everything else (padding masks, edges) consistent with it.
    """

    values: Float[Tensor, " B *s"]

    def __len__(self) -> int:
        return len(self.values)

    @abstractmethod
    def with_values(self, values: Float[Tensor, " B *s"]) -> "RaggedBatch":
        """Return a copy of the batch in which ``values`` are replaced, and everything else is kept."""

    @abstractmethod
    def apply_mixture(self, mixed: Mixture) -> "RaggedBatch":
        """Return the batch with the values of a mixture, and its masks mixed with the same partners and weights."""

    @classmethod
    @abstractmethod
    def concatenate(cls, parts: "Sequence[Any]") -> "RaggedBatch":
        """Concatenate batches of this class along the sample axis."""

    @abstractmethod
    def split(self, sizes: Sequence[int]) -> "tuple[RaggedBatch, ...]":
        """Split the batch along the sample axis into batches of the given sizes."""


Activations = Tensor | RaggedBatch
"""Type of a batch between two stages of an encoder."""


def get_values(x: Activations) -> Float[Tensor, " B *s"]:
    """Return the tensor to mix or to add noise to: ``values`` of a ragged batch, or the tensor itself."""
    return x.values if isinstance(x, RaggedBatch) else x


def apply_mixture(x: Activations, mixed: Mixture) -> Activations:
    """Return ``x`` with its values replaced by ``mixed``, a mixture of them; masks of a ragged batch are mixed too."""
    return x.apply_mixture(mixed) if isinstance(x, RaggedBatch) else mixed.x


def concatenate(parts: Sequence[Activations]) -> Activations:
    """Concatenate tensors, or ragged batches of one class, along the sample axis."""
    first = parts[0]
    return type(first).concatenate(parts) if isinstance(first, RaggedBatch) else torch.cat(parts)  # type: ignore[arg-type]


def split(x: Activations, sizes: Sequence[int]) -> tuple[Activations, ...]:
    """Split a tensor or a ragged batch along the sample axis into batches of the given sizes."""
    return x.split(sizes) if isinstance(x, RaggedBatch) else torch.split(x, list(sizes))


class Views(NamedTuple):
    """Collect the input of a contrastive loss: queries, keys, and which keys each query should match.

    Queries and keys are batches as they are between two stages of the encoder; ``cut`` names the last stage that was
    run, or is ``"input"``. If each view is both a query and a key (SimCLR) and nothing is mixed, ``query is key``.
    """

    query: Activations
    key: Activations
    targets: Targets
    cut: str = "input"
