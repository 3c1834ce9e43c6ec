"""Define the section ``backbone`` of a recipe, which names a pre-trained encoder whose weights are not changed."""

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field

from contramix.settings import Settings, as_tuple

BackboneDomain = Literal["text", "image"]
BACKBONE_DOMAINS = get_args(BackboneDomain)
"""Kinds of data for which there are backbones."""
Channels = Annotated[tuple[float, float, float], BeforeValidator(as_tuple)]
"""A number for each of the channels red, green and blue."""


class BackboneSettings(Settings):
    """Configure a backbone: a pre-trained encoder that turns texts or images into vectors.

    Parameters
    ----------
    name
        Folder or name of a model that sentence-transformers (texts) or timm (images) loads, or an ONNX file.
    domain
        Kind of the data: ``"text"`` or ``"image"``.
    revision
        Commit or tag of a model that is loaded by name.
    pooling
        How the vectors of the tokens of a text become one vector. ``"auto"``: as the model's folder says, else the
        mean.
    max_length
        Maximum number of tokens of a text; longer texts are cut. None: that of the model.
    prompt
        Text that is put before each text.
    size, mean, std
        For images: side in pixels to which they are resized and center-cropped (None: that of the model, or 224), and
        mean and standard deviation of the pixels (0 to 1) of each channel (None: those of the model, or of ImageNet).
    batch_size
        Number of texts or images that are computed together.
    sha256
        Expected hash of the model's files. It is written into the recipe of a run, so that other weights are noticed.
    """

    name: str = Field(min_length=1)
    domain: BackboneDomain = "text"
    revision: str | None = None
    pooling: Literal["auto", "mean", "cls", "max"] = "auto"
    max_length: int | None = Field(default=None, ge=2)
    prompt: str = ""
    size: int | None = Field(default=None, ge=8, le=1024)
    mean: Channels | None = None
    std: Channels | None = None
    batch_size: int = Field(default=64, ge=1, le=4096)
    sha256: str | None = None
