"""Use a function of the user, such as a PyTorch module, as a backbone."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray
from torch import nn

from contramix.backbones.backbone import Backbone
from contramix.backbones.images import ImageModule, hash_function
from contramix.backbones.settings import BackboneSettings
from contramix.errors import InputError

PREFIX = "own:"
"""Beginning of the name of a backbone that is not loaded but given; the hash of its weights follows."""
_GIVEN: dict[str, Callable[..., Any]] = {}
"""Functions that were given in this process, by name."""


class TextFunction:
    """Compute vectors of texts with a function that takes a list of texts and returns an array (n, d).

    Parameters
    ----------
    function
        The function, or a PyTorch module.
    """

    image_size: int | None = None

    def __init__(self, function: Callable[[list[str]], Any]) -> None:
        self._function = function.eval() if isinstance(function, nn.Module) else function
        self.library = f"torch {torch.__version__}"
        self.weights_sha256 = hash_function(function)
        self.width = self.encode(["a"]).shape[1]

    def encode(self, values: Sequence[str]) -> Float32[ndarray, " n d"]:
        """Return one vector for each text."""
        with torch.inference_mode():
            out = self._function(list(values))
        z = np.asarray(out.float().cpu() if isinstance(out, torch.Tensor) else out, np.float32)
        if z.ndim != 2 or len(z) != len(values):
            raise InputError(f"`backbone`: returns an array of shape {z.shape}; a vector per text is needed")
        return np.ascontiguousarray(z)


def give(function: Callable[..., Any]) -> str:
    """Make a function known as a backbone in this process, and return the name by which recipes refer to it.

    Parameters
    ----------
    function
        Function of a list of texts, or of a float32 tensor (n, 3, height, width) of normalized images.
    """
    name = f"{PREFIX}{hash_function(function)[:16]}"
    _GIVEN[name] = function
    return name


def open_own(settings: BackboneSettings) -> Backbone:
    """Return the backbone of a function that was given before in this process.

    Raises
    ------
    InputError
        If the function was not given.
    """
    if settings.name not in _GIVEN:
        raise InputError(
            "`backbone`: the model was trained with a backbone of your own; give it as load(..., backbone=...)"
        )
    function = _GIVEN[settings.name]
    return TextFunction(function) if settings.domain == "text" else ImageModule(function, settings)
