"""What noises that mix have in common: both views of a sample are mixtures."""

from abc import abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.mixing.layout import Layout
from contramix.noise.noise import Noise
from contramix.types import Activations, Mixed, mixed_in, values_of


class MixingNoise(Noise):
    """Makes views by mixing samples of the batch; what goes along with them, such as padding, is mixed alike."""

    @abstractmethod
    def mixtures(
        self, x: Float[Tensor, " B *s"], generator: torch.Generator, layout: Layout | None
    ) -> tuple[Mixed, Mixed]:
        """Both views of each sample, as mixtures of the batch's samples."""

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

    def of_activations(
        self,
        x: Activations,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Activations, Activations]:
        """Two views of what flows through an encoder."""
        first, second = self.mixtures(values_of(x), generator, layout)
        return mixed_in(x, first), mixed_in(x, second)
