"""Provide the noises, which make two views (randomly changed copies) of each sample for contrastive learning.

To add a noise, write one file and add one line to ``NOISE``.
"""

from typing import Annotated

from contramix.noise.augment import Augment
from contramix.noise.drop import Drop
from contramix.noise.gaussian import Gaussian
from contramix.noise.inputmix import InputMix
from contramix.noise.marginal import Marginal
from contramix.noise.mixup import MixupNoise
from contramix.noise.noise import Noise
from contramix.noise.none import NoNoise
from contramix.registry import choice

NOISE: dict[str, type[Noise]] = {
    "none": NoNoise,
    "augment": Augment,
    "drop": Drop,
    "gaussian": Gaussian,
    "mixup": MixupNoise,
    "inputmix": InputMix,
    "marginal": Marginal,
}

AnyNoise = Annotated[Noise, *choice(NOISE)]
"""Type of a noise in a recipe: a name, or a table with ``kind`` and the noise's settings."""
