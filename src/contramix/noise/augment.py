"""Make views with the augmentations for images and audio."""

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
    """Make two views of each sample by independent random augmentations.

    Images are cropped, flipped and recolored, as set by ``image.augment`` in the recipe. Audio clips are shifted,
    stretched and mixed with background noise, as set by ``audio.augment``. Other data, such as tables, have no
    augmentation.

    Raises
    ------
    InputError
        If there is no augmentation for this kind of data, or ``cut`` is not ``"input"``.
    """

    def check(self, front: Front) -> None:
        """Raise InputError if the encoder's input transform ``front`` has no augmentation."""
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
        raise InputError("noise 'augment' changes samples before they enter the encoder: its cut can only be 'input'")
