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
"""Beginning of the name of a backbone that is a function of the user; the hash of its weights follows."""
_REGISTERED: dict[str, tuple[Callable[..., Any], str]] = {}
"""Functions that were registered in this process, each with the hash of its weights, by name."""


class TextFunction:
    """Compute vectors of texts with a function that takes a list of texts and returns an array (n, d).

    Parameters
    ----------
    function
        The function, or a PyTorch module.
    weights_sha256
        Hash of its weights.
    """

    image_size: int | None = None

    def __init__(self, function: Callable[[list[str]], Any], weights_sha256: str) -> None:
        self._function = function.eval() if isinstance(function, nn.Module) else function
        self.library = f"torch {torch.__version__}"
        self.weights_sha256 = weights_sha256
        self.width = self.encode(["a"]).shape[1]

    def encode(self, values: Sequence[str]) -> Float32[ndarray, " n d"]:
        """Return one vector for each text."""
        with torch.inference_mode():
            out = self._function(list(values))
        z = np.asarray(out.float().cpu() if isinstance(out, torch.Tensor) else out, np.float32)
        if z.ndim != 2 or len(z) != len(values):
            raise InputError(f"`backbone`: returns an array of shape {z.shape}; a vector per text is needed")
        return np.ascontiguousarray(z)


def register_function(function: Callable[..., Any]) -> str:
    """Register a function as a backbone in this process, and return the name by which recipes refer to it.

    Parameters
    ----------
    function
        Function of a list of texts, or of a float32 tensor (n, 3, height, width) of normalized images.
    """
    weights_sha256 = hash_function(function)
    name = f"{PREFIX}{weights_sha256[:16]}"
    _REGISTERED[name] = function, weights_sha256
    return name


def open_function(settings: BackboneSettings) -> Backbone:
    """Return the backbone of a function that was registered in this process.

    Raises
    ------
    InputError
        If the function was not registered.
    """
    if settings.name not in _REGISTERED:
        raise InputError(
            "`backbone`: the model was trained with a backbone of your own; give it as load(..., backbone=...)"
        )
    function, weights_sha256 = _REGISTERED[settings.name]
    if settings.domain == "text":
        return TextFunction(function, weights_sha256)
    return ImageModule(function, settings, weights_sha256)
