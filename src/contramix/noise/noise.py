"""What a noise is: it makes two views of a batch."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.encoders.frontend import Front
from contramix.mixing.layout import Layout
from contramix.samples.samples import Batch
from contramix.settings import Cut, Settings
from contramix.types import Activations, Ragged


class Noise(Settings, ABC):
    """Makes two views of a batch, the samples' labels kept.

    ``cut`` says where: on the input, behind a named stage of the encoder, or on its output (then each sample
    is encoded once and its representation gets the noise twice); ``"auto"``, where samples first have one shape.
    """

    cut: Cut = ("auto",)

    def check(self, front: Front) -> None:
        """Refuse, before anything is trained, data that it is not for.

        Raises
        ------
        InputError
            If these are such.
        """

    def of_samples(
        self,
        front: Front,
        raw: Batch,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Activations, Activations]:
        """Two views, at the input, of samples as they are stored: of their clean inputs, unless a noise begins earlier.

        Parameters are those of ``__call__``, and the way from samples to inputs.
        """
        return self.of_activations(front(raw), generator, layout, pool)

    def of_activations(
        self,
        x: Activations,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Activations, Activations]:
        """Two views of what flows through an encoder; of a ragged batch, of what is mixed of it."""
        if not isinstance(x, Ragged):
            return self(x, generator=generator, layout=layout, pool=pool)
        first, second = self(x.values, generator=generator)
        return x.replaced(first), x.replaced(second)

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
