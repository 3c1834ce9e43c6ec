"""Define the base class of noises that make views by mixing samples."""

from abc import abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.noise.noise import Noise
from contramix.types import Activations, Mixture, apply_mixture, get_values


class MixingNoise(Noise):
    """Define the interface of a noise whose two views are mixtures of each sample with other samples of the batch.

    A subclass implements ``mixtures``. If the samples are padded sequences, their padding masks are mixed, too.
    """

    @abstractmethod
    def mixtures(
        self, x: Float[Tensor, " B *s"], generator: torch.Generator, layout: Layout | None
    ) -> tuple[Mixture, Mixture]:
        """Return two mixtures of the batch, which are the first and the second view of each sample.

        ``generator`` is the source of all random draws. For encoded table rows, ``layout`` says which elements form one
        column, and which columns may be averaged; None for other data.
        """

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Float[Tensor, " B *s"], Float[Tensor, " B *s"]]:
        first, second = self.mixtures(x, generator, layout)
        return first.x, second.x

    def views_of_activations(
        self,
        x: Activations,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Activations, Activations]:
        """Make two views of a batch of encoder inputs, or of activations between two stages of the encoder.

        Padding masks are mixed in the same way as the values. ``layout`` is used for table rows, ``pool`` is ignored.
        """
        first, second = self.mixtures(get_values(x), generator, layout)
        return apply_mixture(x, first), apply_mixture(x, second)
