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
    """Convert stored samples to inputs, clean or augmented. This part of an encoder has no weights."""

    @abstractmethod
    def forward(self, raw: Any) -> Activations:
        """Convert samples in the format that their domain stores to clean inputs."""

    def augment(self, raw: Any, generator: torch.Generator) -> Activations:
        """Make an augmented view of each sample. Each sample has its own random changes.

        Raises
        ------
        InputError
            If the domain has no augmentation.
        """
        raise InputError(UNKNOWN)


class AsStored(Front):
    """Use stored samples as inputs without a change."""

    def forward(self, raw: Shaped[Tensor, " B *s"]) -> Shaped[Tensor, " B *s"]:
        return raw
