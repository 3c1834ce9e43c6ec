"""Define the interface of noises, which make two views of a batch."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.encoders.frontend import Front
from contramix.mixing.layout import Layout
from contramix.samples.samples import Batch
from contramix.settings import Cut, Settings
from contramix.types import Activations, RaggedBatch


class Noise(Settings, ABC):
    """Make two views of each sample in a batch; the samples keep their labels.

    ``cut`` is where the noise is applied: at the ``"input"``, after a named stage of the encoder, or at the
    ``"output"`` (each sample is then encoded once and its representation gets two draws of the noise). ``"auto"`` is
    the first cut at which all samples have the same shape.
    """

    cut: Cut = ("auto",)

    def check(self, front: Front) -> None:
        """Check, before training, that the noise can be applied to the data.

        Raises
        ------
        InputError
            If it cannot.
        """

    def views_of_samples(
        self,
        front: Front,
        raw: Batch,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Activations, Activations]:
        """Make two views at the input from samples as they are stored.

        By default the noise is applied to the clean inputs that ``front`` computes; augmentation overrides this. The
        other parameters are those of ``__call__``.
        """
        return self.views_of_activations(front(raw), generator, layout, pool)

    def views_of_activations(
        self,
        x: Activations,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Activations, Activations]:
        """Make two views of an encoder's activations; in a ragged batch only ``values`` get the noise."""
        if not isinstance(x, RaggedBatch):
            return self(x, generator=generator, layout=layout, pool=pool)
        first, second = self(x.values, generator=generator)
        return x.with_values(first), x.with_values(second)

    @abstractmethod
    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Float[Tensor, " B *s"], Float[Tensor, " B *s"]]:
        """Make two views of a batch.

        Parameters
        ----------
        x
            Batch of inputs or activations. It is not modified.
        generator
            Source of all random draws, on the device of ``x``.
        layout
            For flat vectors at the input: which elements belong together and which may be averaged.
        pool
            Training samples to draw values from, if available; None after a stage.
        """
