"""Represent batches of sequences of different lengths, padded to one length, with a mask that can be mixed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.types import Mixture, RaggedBatch


@dataclass(frozen=True, eq=False)
class PaddedSequences(RaggedBatch):
    """Represent a batch of sequences padded to L steps, with the presence (a soft padding mask) of each step.

    The presence of a step is 1 inside a sequence and 0 in its padding. When two sequences are mixed, their presences
    are averaged with the same weights as their values. A step that exists in one of them only therefore has the weight
    of that sequence as its presence.

    Parameters
    ----------
    values
        The sequences, shape (B, L, features) or (B, channels, L). Padding is 0.
    presence
        Presence of each step, in [0, 1]: shape (B, L).
    axis
        Axis of ``values`` along which the steps lie: 1 for (B, L, features), 2 for (B, channels, L).

    Examples
    --------
    >>> from contramix.mixing.linear import Linear
    >>> x = PaddedSequences(torch.tensor([[[1.0], [1.0]], [[3.0], [0.0]]]), torch.tensor([[1.0, 1.0], [1.0, 0.0]]))
    >>> partner, weight = torch.tensor([[1], [0]]), torch.tensor([[0.75, 0.25]] * 2)
    >>> mixed = x.apply_mixture(Linear()(x.values, partner, weight, generator=torch.Generator()))
    >>> mixed.values[:, :, 0].tolist(), mixed.presence.tolist()
    ([[1.5, 0.75], [2.5, 0.25]], [[1.0, 0.75], [1.0, 0.25]])
    """

    values: Float[Tensor, " B *s"]
    presence: Float[Tensor, " B L"]
    axis: int = 1

    @property
    def broadcast_presence(self) -> Float[Tensor, " B *t"]:
        """Return the presence with an axis of size 1 added, (B, L, 1) or (B, 1, L), which broadcasts to ``values``."""
        return self.presence[:, :, None] if self.axis == 1 else self.presence[:, None]

    def with_values(self, values: Float[Tensor, " B *s"]) -> "PaddedSequences":
        """Return a copy with new values, which are set to 0 where the presence is 0."""
        return replace(self, values=values.masked_fill(self.broadcast_presence == 0, 0.0))

    def map(self, function: Callable[[Tensor], Tensor]) -> "PaddedSequences":
        """Return a copy with ``function`` applied to the values, and with 0 where the presence is 0.

        The function must return a tensor with the same number of sequences and steps.
        """
        return self.with_values(function(self.values))

    def apply_mixture(self, mixed: Mixture) -> "PaddedSequences":
        """Return a copy with the mixed values ``mixed.x``, and with presences averaged in the same way.

        The presence of each sequence is averaged with those of its partners ``mixed.partner``, with the weights
        ``mixed.weight``.
        """
        sources = torch.cat([self.presence[:, None], self.presence[mixed.partner]], 1)
        presence = (mixed.weight[:, :, None].to(sources.dtype) * sources).sum(1)
        return replace(self, values=mixed.x, presence=presence)

    @classmethod
    def concatenate(cls, parts: "Sequence[PaddedSequences]") -> "PaddedSequences":
        """Concatenate batches with the same padded length into one batch."""
        return replace(
            parts[0], values=torch.cat([p.values for p in parts]), presence=torch.cat([p.presence for p in parts])
        )

    def split(self, sizes: Sequence[int]) -> "tuple[PaddedSequences, ...]":
        """Split the batch into consecutive batches with the given numbers of sequences."""
        each = zip(torch.split(self.values, list(sizes)), torch.split(self.presence, list(sizes)))
        return tuple(replace(self, values=values, presence=presence) for values, presence in each)

    def mean(self) -> Float[Tensor, " B C"]:
        """Return the mean of each sequence over its steps, weighted by presence, shape (B, C).

        The mean of a sequence without any step is 0.
        """
        total = self.presence.sum(1, keepdim=True).clamp(min=1e-6)
        return (self.values * self.broadcast_presence).sum(self.axis) / total
