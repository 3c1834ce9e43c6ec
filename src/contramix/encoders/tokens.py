"""Tokens for a module of the user's, such as any of Hugging Face's that gives one vector a text."""

import inspect

from jaxtyping import Int
from torch import Tensor, nn

MASKS = ("mask", "attention_mask")
"""What an argument for the mask is called."""


class OnTokens(nn.Module):
    """A module that is called with tokens (int64, 0 for padding), and with a mask, true where one is, if it takes one.

    It is given texts at their full padded length.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        taken = inspect.signature(module.forward).parameters
        self.mask = next((name for name in MASKS if name in taken), None)

    def forward(self, ids: Int[Tensor, " B L"]) -> Tensor:
        """(B, L) to what the module makes of it."""
        masks = {} if self.mask is None else {self.mask: ids != 0}
        return self.module(ids.long(), **masks)  # type: ignore[no-any-return]
