"""Compute vectors of images with a PyTorch module: one of timm, or one of the user."""

import hashlib
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from numpy import ndarray
from torch import Tensor, nn

from contramix.backbones.settings import BackboneSettings
from contramix.errors import InputError, first_line, printable

SIZE = 224
"""Side of images in pixels, if neither the settings nor the model state one."""
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation of the pixels of ImageNet, which most models of images are trained with."""


class ImageModule:
    """Compute vectors of images with a function of normalized pixels, such as a PyTorch module.

    Feature maps are averaged over their positions.

    Parameters
    ----------
    function
        Module or function that maps a float32 tensor (n, 3, height, width) to a tensor (n, d) or (n, d, h, w).
    settings
        Size of the images, and how pixels are normalized.
    weights_sha256
        Hash of the weights.
    library
        Name and version of the library of the module.
    device
        Device on which the module runs.
    """

    def __init__(
        self,
        function: Callable[[Tensor], Tensor],
        settings: BackboneSettings,
        weights_sha256: str,
        library: str = f"torch {torch.__version__}",
        device: str = "cpu",
    ) -> None:
        self._function = function.eval().to(device) if isinstance(function, nn.Module) else function
        self._device, self.library = device, library
        self.image_size: int | None = settings.size or SIZE
        self._mean, self._std = (
            torch.tensor(values, device=device).reshape(1, 3, 1, 1)
            for values in (settings.mean or IMAGENET_MEAN, settings.std or IMAGENET_STD)
        )
        self.weights_sha256 = weights_sha256
        self.width = self.encode([np.zeros((3, settings.size or SIZE, settings.size or SIZE), np.uint8)]).shape[1]

    def encode(self, values: Sequence[ndarray]) -> Float32[ndarray, " n d"]:
        """Return one vector for each image, which is an array (3, height, width) of bytes."""
        pixels = torch.from_numpy(np.stack(values)).to(self._device).float() / 255
        with torch.inference_mode():
            out = self._function((pixels - self._mean) / self._std)
            out = out.mean((2, 3)) if out.ndim == 4 else out
        if out.ndim != 2 or len(out) != len(values):
            raise InputError(f"`backbone`: returns an array of shape {tuple(out.shape)}; a vector per image is needed")
        return np.ascontiguousarray(out.float().cpu().numpy())


def open_timm(settings: BackboneSettings, device: str = "cpu") -> ImageModule:
    """Load a pre-trained image model of timm, without its classifier.

    Raises
    ------
    InputError
        If timm is not installed, or the model cannot be loaded.
    """
    shown = printable(settings.name, 80)
    try:
        timm = import_module("timm")
    except Exception as error:  # an installed timm may also be incompatible with this torch
        raise InputError(
            f"`backbone` {shown!r} needs timm (pip install 'contramix[timm]'): {first_line(error, 160)}"
        ) from error
    try:
        module = timm.create_model(settings.name, pretrained=True, num_classes=0)
        config = timm.data.resolve_model_data_config(module)
    except Exception as error:  # timm and the hub's client raise what their parts do
        raise InputError(
            f"`backbone` {shown!r}: cannot be loaded: {first_line(error, 160)}; "
            "timm.list_models(pretrained=True) names those it has"
        ) from error
    known = {
        "size": settings.size or config["input_size"][-1],
        "mean": settings.mean or tuple(config["mean"]),
        "std": settings.std or tuple(config["std"]),
    }
    return ImageModule(
        module, settings.model_copy(update=known), hash_function(module), f"timm {version('timm')}", device
    )


def hash_function(function: Any) -> str:
    """Return the SHA-256 of a module's weights and class name, or of the name of another function."""
    kind = type(function) if isinstance(function, nn.Module) else function
    total = hashlib.sha256(f"{kind.__module__}.{getattr(kind, '__qualname__', '')}".encode())
    for name, value in sorted(function.state_dict().items()) if isinstance(function, nn.Module) else ():
        total.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        total.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
