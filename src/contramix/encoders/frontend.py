"""Convert stored samples to a network's input: pixels to [0, 1], waveforms to log-mel spectrograms."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from contramix.errors import InputError
from contramix.types import Activations

UNKNOWN = "noise 'augment': no augmentation is known for these data; take another noise, such as mixup or marginal"


class Front(nn.Module, ABC):
    """The way from stored samples to the input, clean or augmented. It has no weights, and is part of the encoder."""

    @abstractmethod
    def forward(self, raw: Any) -> Activations:
        """Samples as they are stored, of the kind that its domain makes, to clean inputs."""

    def augment(self, raw: Any, generator: torch.Generator) -> Activations:
        """One view of each sample, changed in ways that keep what it shows; each sample draws its own.

        Raises
        ------
        InputError
            Where the domain knows no augmentation.
        """
        raise InputError(UNKNOWN)


class AsStored(Front):
    """Samples are inputs already."""

    def forward(self, raw: Shaped[Tensor, " B *s"]) -> Shaped[Tensor, " B *s"]:
        return raw
