"""Series for modules that know nothing of masks: a tensor, with zeros behind the end of shorter ones."""

import inspect

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contramix.samples.padded_sequences import Masked
from contramix.types import Activations, values_of


class Padded(nn.Module):
    """Masked steps as a tensor; a tensor as it is."""

    def forward(self, x: Activations) -> Float[Tensor, " B C T"]:
        """(B, C, T) to the same shape."""
        return values_of(x)


class OnSteps(nn.Module):
    """A module that is called with a padded tensor, and with ``mask``, true where a step is there, if it takes one."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.masks = "mask" in inspect.signature(module.forward).parameters

    def forward(self, x: Activations) -> Tensor:
        """(B, C, T) to what the module makes of it."""
        values = values_of(x)
        if not self.masks:
            return self.module(values)  # type: ignore[no-any-return]
        there = x.presence > 0 if isinstance(x, Masked) else values.new_ones(values.shape[::2], dtype=torch.bool)
        return self.module(values, mask=there)  # type: ignore[no-any-return]
