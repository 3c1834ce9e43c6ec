"""Turn texts and images into vectors with pre-trained encoders, whose weights are not changed."""

from functools import lru_cache

import torch

from contramix.backbones.backbone import Backbone
from contramix.backbones.functions import PREFIX, open_function, register_function
from contramix.backbones.images import open_timm
from contramix.backbones.onnx import OnnxTexts, open_images
from contramix.backbones.sentences import Sentences
from contramix.backbones.settings import BackboneSettings
from contramix.errors import InputError


def open_backbone(settings: BackboneSettings) -> Backbone:
    """Load the backbone that the settings name, on the GPU if there is one.

    Raises
    ------
    InputError
        If the library of the backbone is not installed, its weights cannot be found, or they have another hash than the
        settings state.
    """
    found = _open(settings.model_copy(update={"sha256": None}))
    if settings.sha256 is not None and found.weights_sha256 != settings.sha256:
        raise InputError(
            f"`backbone` {settings.name!r}: has other weights than in training (SHA-256 {found.weights_sha256[:12]}, "
            f"and {settings.sha256[:12]} in training); give the same weights"
        )
    return found


@lru_cache(maxsize=2)
def _open(settings: BackboneSettings) -> Backbone:
    if settings.name.startswith(PREFIX):
        return open_function(settings)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if settings.name.endswith(".onnx"):
        return OnnxTexts(settings) if settings.domain == "text" else open_images(settings)
    return Sentences(settings, device) if settings.domain == "text" else open_timm(settings, device)


__all__ = ["Backbone", "BackboneSettings", "open_backbone", "register_function"]
