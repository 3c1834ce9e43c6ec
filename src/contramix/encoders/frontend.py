"""Define the modules that convert stored samples to an encoder's inputs, such as waveforms to spectrograms."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from contramix.errors import InputError
from contramix.types import Activations

UNKNOWN = "noise 'augment': no augmentation is known for these data; take another noise, such as mixup or marginal"


class Front(nn.Module, ABC):
    """Define the interface of an encoder's input transform, which converts stored samples to inputs of the first stage.

    It has no weights. Calling it converts samples without augmentation, ``augment`` with augmentation.
    """

    @abstractmethod
    def forward(self, raw: Any) -> Activations:
        """Convert stored samples to inputs without augmentation, such as uint8 pixels to floats in [0, 1]."""

    def augment(self, raw: Any, generator: torch.Generator) -> Activations:
        """Convert stored samples to inputs with random augmentation.

        ``generator`` is the source of all random draws. Each sample gets its own draws.

        Raises
        ------
        InputError
            If there is no augmentation for this kind of data.
        """
        raise InputError(UNKNOWN)


class AsStored(Front):
    """Return stored samples unchanged as inputs."""

    def forward(self, raw: Shaped[Tensor, " B *s"]) -> Shaped[Tensor, " B *s"]:
        return raw
