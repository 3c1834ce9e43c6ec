"""Make views by the augmentation of the data's domain."""

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
    """Make two independently augmented views of each sample.

    The recipe's section of the domain holds the augmentation's settings. Images are cropped, flipped and recolored
    (``image.augment``); audio clips are shifted, stretched and mixed with background noise (``audio.augment``). Tables
    have no augmentation.

    Raises
    ------
    InputError
        If the domain has no augmentation, or ``cut`` is not the input.
    """

    def check(self, front: Front) -> None:
        """Raise InputError unless the data's domain has an augmentation."""
        if type(front).augment is Front.augment:
            raise InputError(UNKNOWN)

    def views_of_samples(
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
