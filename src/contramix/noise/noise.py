"""Define the base class of noises, which make two views of each sample in a batch."""

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
    """Define the interface of a noise, which makes two views (randomly changed copies) of each sample.

    ``cut`` is where the noise is applied: at the ``"input"``, after a named stage of the encoder, or at the
    ``"output"``, where each sample is encoded once and its representation gets two draws of the noise. If several cuts
    are given, one of them is drawn at each training step. ``"auto"`` is the first place at which all samples have the
    same shape.
    """

    cut: Cut = ("auto",)

    def check(self, front: Front) -> None:
        """Raise InputError, before training, if the noise cannot be applied to the data. The default accepts all data.

        Parameters
        ----------
        front
            Module that converts stored samples to the encoder's inputs.

        Raises
        ------
        InputError
            If the noise cannot be applied.
        """

    def views_of_samples(
        self,
        front: Front,
        raw: Batch,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Activations, Activations]:
        """Make two views of stored samples, such as images in uint8, as inputs of the encoder.

        ``front`` converts the stored samples ``raw`` to inputs, to which the noise is then applied. Augmentation
        overrides this method, because it changes the stored samples.

        ``generator`` is the source of all random draws. For encoded table rows, ``layout`` says which elements form one
        column, and which columns may be averaged. ``pool`` holds training samples from which replacement values may be
        drawn; None draws them from the batch.
        """
        return self.views_of_activations(front(raw), generator, layout, pool)

    def views_of_activations(
        self,
        x: Activations,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Activations, Activations]:
        """Make two views of a batch of encoder inputs, or of activations between two stages of the encoder.

        In a batch of padded sequences or graphs, noise is applied to ``values`` only, and ``layout`` and ``pool`` are
        ignored. ``generator`` is the source of all random draws. For encoded table rows, ``layout`` says which elements
        form one column, and which columns may be averaged. ``pool`` holds training samples from which replacement
        values may be drawn; None draws them from ``x``.
        """
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
        """Make two views of each sample, and return them as two batches: the queries and the keys.

        Parameters
        ----------
        x
            Batch of inputs, or of activations after a stage of the encoder. It is not modified.
        generator
            Source of all random draws, on the device of ``x``.
        layout
            For encoded table rows: which elements form one column, and which columns may be averaged. None for other
            data.
        pool
            Training samples from which replacement values may be drawn. None: draw them from ``x``.
        """
