"""Sequences of differing lengths, padded to one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.types import Mixed, Ragged


@dataclass(frozen=True, eq=False)
class PaddedSequences(Ragged):
    """Sequences padded to one length, and how much of each step is there.

    A step's presence is 1 where the sequence has one and 0 where it is padding. A mixture of sequences has at each step
    the mean of their presences by the weights of mixing: as the partner's weight goes to 0, what it adds beyond the
    sample's own end fades out with it, so mixing with weight 1 gives the sample.

    Parameters
    ----------
    values
        Steps along ``axis``. What lies under padding is 0.
    presence
        In [0, 1].
    axis
        1 for (batch, steps, features), 2 for (batch, channels, steps).

    Examples
    --------
    >>> from contramix.mixing.linear import Linear
    >>> x = PaddedSequences(torch.tensor([[[1.0], [1.0]], [[3.0], [0.0]]]), torch.tensor([[1.0, 1.0], [1.0, 0.0]]))
    >>> partner, weight = torch.tensor([[1], [0]]), torch.tensor([[0.75, 0.25]] * 2)
    >>> mixed = x.mixed(Linear()(x.values, partner, weight, generator=torch.Generator()))
    >>> mixed.values[:, :, 0].tolist(), mixed.presence.tolist()
    ([[1.5, 0.75], [2.5, 0.25]], [[1.0, 0.75], [1.0, 0.25]])
    """

    values: Float[Tensor, " B *s"]
    presence: Float[Tensor, " B L"]
    axis: int = 1

    @property
    def there(self) -> Float[Tensor, " B *t"]:
        """The presence in a shape that multiplies values."""
        return self.presence[:, :, None] if self.axis == 1 else self.presence[:, None]

    def replaced(self, values: Float[Tensor, " B *s"]) -> "PaddedSequences":
        """Other values; what lies under padding is set to 0."""
        return replace(self, values=values.masked_fill(self.there == 0, 0.0))

    def map(self, function: Callable[[Tensor], Tensor]) -> "PaddedSequences":
        """The same with a function applied to the values, such as a layer that keeps the steps."""
        return self.replaced(function(self.values))

    def mixed(self, mixed: Mixed) -> "PaddedSequences":
        """Values mixed, and presences averaged by the realised weights."""
        sources = torch.cat([self.presence[:, None], self.presence[mixed.partner]], 1)
        presence = (mixed.weight[:, :, None].to(sources.dtype) * sources).sum(1)
        return replace(self, values=mixed.x, presence=presence)

    @classmethod
    def joined(cls, parts: "Sequence[PaddedSequences]") -> "PaddedSequences":
        """Batches of one padded length, one behind the other."""
        return replace(
            parts[0], values=torch.cat([p.values for p in parts]), presence=torch.cat([p.presence for p in parts])
        )

    def split(self, sizes: Sequence[int]) -> "tuple[PaddedSequences, ...]":
        """The batch in parts."""
        each = zip(torch.split(self.values, list(sizes)), torch.split(self.presence, list(sizes)))
        return tuple(replace(self, values=values, presence=presence) for values, presence in each)

    def mean(self) -> Float[Tensor, " B C"]:
        """The mean over the steps that are there, by presence; 0 for a sequence without steps."""
        total = self.presence.sum(1, keepdim=True).clamp(min=1e-6)
        return (self.values * self.there).sum(self.axis) / total
