"""Augmentation: each view is the sample changed in a way that the domain knows to keep its meaning."""

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.encoders.frontend import UNKNOWN, Front
from contramix.errors import InputError
from contramix.mixing.layout import Layout
from contramix.noise.noise import Noise
from contramix.samples.samples import Batch
from contramix.types import Activations


class Augment(Noise):
    """Two augmented views of each sample, each its own draw; what is done stands in the recipe's section of the domain.

    Images are cropped, flipped and recoloured (``image.augment``), sounds are shifted, stretched and mixed with
    background noise (``audio.augment``). Tables have no augmentation.

    Raises
    ------
    InputError
        Where the domain knows none, or behind a stage.
    """

    def check(self, front: Front) -> None:
        """Only for data whose domain knows an augmentation."""
        if type(front).augment is Front.augment:
            raise InputError(UNKNOWN)

    def of_samples(
        self,
        front: Front,
        raw: Batch,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Activations, Activations]:
        return front.augment(raw, generator), front.augment(raw, generator)

    def __call__(
        self,
        x: Float[Tensor, " B *s"],
        *,
        generator: torch.Generator,
        layout: Layout | None = None,
        pool: Float[Tensor, " n *s"] | None = None,
    ) -> tuple[Float[Tensor, " B *s"], Float[Tensor, " B *s"]]:
        raise InputError("noise 'augment' changes samples as they are stored: its cut can only be 'input'")
