"""Define the data types shared by mixing operators, noises, encoders and methods: mixtures, labels and batches."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Mixture(NamedTuple):
    """Collect the result of a mixing operator: the mixed batch, and which samples it was mixed from.

    ``x[i]`` is the mixture of sample i with P other samples of the batch, whose indices are ``partner[i]``.
    ``weight[i]`` holds the weights of these K = P + 1 samples, first that of sample i, then those of ``partner[i]``. A
    weight is the fraction of ``x[i]`` that actually comes from the sample, such as the area in CutMix; the weights sum
    to 1.
    """

    x: Float[Tensor, " B *s"]
    partner: Int[Tensor, " B P"]
    """Indices of the other samples that each sample was mixed with."""
    weight: Float[Tensor, " B K"]
    """Realized weights of the K = P + 1 sources, the sample's own first. Rows sum to 1."""


class Targets(NamedTuple):
    """Represent sparse soft labels of B queries: query i matches key ``index[i, m]`` with weight ``weight[i, m]``.

    The M weights of each query sum to 1. M is 1 without mixing, and K for mixtures of K samples. If a sample is mixed
    with itself, the same index occurs twice in a row, and its weights are added.
    """

    index: Int[Tensor, " B M"]  # type: ignore[assignment]  # shadows tuple.index
    weight: Float[Tensor, " B M"]

    @classmethod
    def identity(cls, n: int, device: torch.device | str = "cpu") -> "Targets":
        """Return labels for ``n`` queries that are not mixed: query i matches key i with weight 1."""
        return cls(torch.arange(n, device=device)[:, None], torch.ones(n, 1, device=device))

    @classmethod
    def from_mixture(cls, mixed: Mixture) -> "Targets":
        """Return the labels of mixed queries, if key j is a view of sample j.

        Query i matches key i and the keys of the samples that i was mixed with, each with the sample's weight in the
        mixture, as in section 3 of the i-Mix paper (Lee et al., ICLR 2021).
        """
        own = torch.arange(len(mixed.partner), device=mixed.partner.device)[:, None]
        return cls(torch.cat([own, mixed.partner], 1), mixed.weight)

    def with_offset(self, keys: int) -> "Targets":
        """Return the labels with all indices increased by ``keys``, the number of keys that are inserted before."""
        return Targets(self.index + keys, self.weight) if keys else self


class RaggedBatch(ABC):
    """Represent a batch of sequences or graphs of different sizes, which does not fit in one tensor.

    ``values`` holds one vector or array per sample, and is the only tensor that mixing operators and noises change.
    Subclasses also store what belongs to the values, such as padding masks or edges.
    """

    values: Float[Tensor, " B *s"]

    def __len__(self) -> int:
        return len(self.values)

    @abstractmethod
    def with_values(self, values: Float[Tensor, " B *s"]) -> "RaggedBatch":
        """Return a copy of the batch with new ``values``. Everything else, such as masks, is kept."""

    @abstractmethod
    def apply_mixture(self, mixed: Mixture) -> "RaggedBatch":
        """Return a copy of the batch with the mixed values ``mixed.x``.

        Masks, if there are any, are mixed with the partners and weights in ``mixed``.
        """

    @classmethod
    @abstractmethod
    def concatenate(cls, parts: "Sequence[Any]") -> "RaggedBatch":
        """Concatenate batches of this class along the sample axis."""

    @abstractmethod
    def split(self, sizes: Sequence[int]) -> "tuple[RaggedBatch, ...]":
        """Split the batch along the sample axis into batches of the given numbers of samples."""


Activations = Tensor | RaggedBatch
"""Type of a batch between two stages of an encoder."""


def get_values(x: Activations) -> Float[Tensor, " B *s"]:
    """Return the tensor of a batch to mix or to add noise to: ``x.values`` if ``x`` is a ragged batch, else ``x``."""
    return x.values if isinstance(x, RaggedBatch) else x


def apply_mixture(x: Activations, mixed: Mixture) -> Activations:
    """Replace the values of a batch with the mixed values ``mixed.x``, and return the new batch.

    ``mixed`` is a mixture of the values of ``x``. The masks of a ragged batch are mixed too.
    """
    return x.apply_mixture(mixed) if isinstance(x, RaggedBatch) else mixed.x


def concatenate(parts: Sequence[Activations]) -> Activations:
    """Concatenate batches, all tensors or all ragged batches of one class, along the sample axis."""
    first = parts[0]
    return type(first).concatenate(parts) if isinstance(first, RaggedBatch) else torch.cat(parts)  # type: ignore[arg-type]


def split(x: Activations, sizes: Sequence[int]) -> tuple[Activations, ...]:
    """Split a tensor or ragged batch along the sample axis into batches of the given numbers of samples."""
    return x.split(sizes) if isinstance(x, RaggedBatch) else torch.split(x, list(sizes))


class Views(NamedTuple):
    """Collect the input of a contrastive loss: queries, keys, and which keys each query should match.

    ``query`` and ``key`` are batches of encoder inputs or of the outputs of one stage of the encoder, from which the
    remaining stages compute the embeddings. ``cut`` names that stage, or is ``"input"``. If each view is both a query
    and a key (SimCLR) and nothing is mixed, ``query`` and ``key`` are the same object.
    """

    query: Activations
    key: Activations
    targets: Targets
    cut: str = "input"
