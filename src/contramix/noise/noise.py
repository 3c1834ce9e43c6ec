"""What a noise is: it makes two views of a batch."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from contramix.encoders.front import Front
from contramix.mixing.layout import Layout
from contramix.settings import Cut, Settings


class Noise(Settings, ABC):
    """Makes two views of a batch, the samples' labels kept.

    ``cut`` says where: on the input, behind a named stage of the encoder, or on its output (then each sample
    is encoded once and its representation gets the noise twice).
    """

    cut: Cut = ("input",)

    def of_samples(
        self,
        front: Front,
        raw: Shaped[Tensor, " B *r"],
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Float[Tensor, " B *s"], Float[Tensor, " B *s"]]:
        """Two views, at the input, of samples as they are stored: of their clean inputs, unless a noise begins earlier.

        Parameters are those of ``__call__``, and the way from samples to inputs.
        """
        return self(front(raw), generator=generator, layout=layout, pool=pool)

    @abstractmethod
    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Float[Tensor, " B *s"], Float[Tensor, " B *s"]]:
        """Make two views.

        Parameters
        ----------
        x
            A batch; it is not changed.
        generator
            Where all draws come from, on the device of ``x``.
        layout
            For flat vectors at the input: units, and what may be blended.
        pool
            All training samples, where they lie at hand; None behind a stage.
        """
