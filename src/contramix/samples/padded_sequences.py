"""Hold batches of sequences of different lengths, padded to one length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.types import Mixture, RaggedBatch


@dataclass(frozen=True, eq=False)
class PaddedSequences(RaggedBatch):
    """Hold a batch of padded sequences, and the presence (a soft mask) of each step.

    The presence of a step is 1 inside a sequence and 0 in its padding. The presence of a mixture is the average of the
    presences, weighted with the mixing weights. Steps that only the partner has therefore fade out as its weight goes
    to 0, and mixing with weight 1 returns the sample.

    Parameters
    ----------
    values
        The sequences, with steps along ``axis`` and 0 in the padding.
    presence
        Presence of each step, in [0, 1].
    axis
        Axis of the steps: 1 for (batch, steps, features), 2 for (batch, channels, steps).

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
        """Return the presence in a shape that broadcasts against the values."""
        return self.presence[:, :, None] if self.axis == 1 else self.presence[:, None]

    def with_values(self, values: Float[Tensor, " B *s"]) -> "PaddedSequences":
        """Return the batch with other values, set to 0 in the padding."""
        return replace(self, values=values.masked_fill(self.broadcast_presence == 0, 0.0))

    def map(self, function: Callable[[Tensor], Tensor]) -> "PaddedSequences":
        """Apply a function that keeps the steps, such as a layer, to the values."""
        return self.with_values(function(self.values))

    def apply_mixture(self, mixed: Mixture) -> "PaddedSequences":
        """Return the batch with mixed values, and presences averaged with the realized mixing weights."""
        sources = torch.cat([self.presence[:, None], self.presence[mixed.partner]], 1)
        presence = (mixed.weight[:, :, None].to(sources.dtype) * sources).sum(1)
        return replace(self, values=mixed.x, presence=presence)

    @classmethod
    def concatenate(cls, parts: "Sequence[PaddedSequences]") -> "PaddedSequences":
        """Concatenate batches of the same padded length along the sample axis."""
        return replace(
            parts[0], values=torch.cat([p.values for p in parts]), presence=torch.cat([p.presence for p in parts])
        )

    def split(self, sizes: Sequence[int]) -> "tuple[PaddedSequences, ...]":
        """Split the batch along the sample axis into batches of the given sizes."""
        each = zip(torch.split(self.values, list(sizes)), torch.split(self.presence, list(sizes)))
        return tuple(replace(self, values=values, presence=presence) for values, presence in each)

    def mean(self) -> Float[Tensor, " B C"]:
        """Return the mean over the steps, weighted by presence, or 0 for a sequence without steps."""
        total = self.presence.sum(1, keepdim=True).clamp(min=1e-6)
        return (self.values * self.broadcast_presence).sum(self.axis) / total
