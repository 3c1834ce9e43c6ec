"""Define the base of noises whose views are mixtures of samples."""

from abc import abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.noise.noise import Noise
from contramix.types import Activations, Mixture, apply_mixture, get_values


class MixingNoise(Noise):
    """Make both views by mixing samples of the batch, with their padding masks or graphs mixed accordingly."""

    @abstractmethod
    def mixtures(
        self, x: Float[Tensor, " B *s"], generator: torch.Generator, layout: Layout | None
    ) -> tuple[Mixture, Mixture]:
        """Return both views of each sample as mixtures of the batch's samples."""

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
        """Make two views of an encoder's activations."""
        first, second = self.mixtures(get_values(x), generator, layout)
        return apply_mixture(x, first), apply_mixture(x, second)
