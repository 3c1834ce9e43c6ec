"""Provide the encoders, the networks that map samples to representations.

To add an encoder, write one file and add one line to ``ENCODERS``.
"""

from typing import Annotated

from contramix.encoders.cnn import CNN
from contramix.encoders.cnn1d import CNN1d
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs
from contramix.encoders.gin import GIN
from contramix.encoders.imix_mlp import IMixMLP
from contramix.encoders.mlp import MLP
from contramix.encoders.resnet import ResNet
from contramix.encoders.timm_model import TimmModel
from contramix.encoders.transformer import Transformer
from contramix.registry import choice

ENCODERS: dict[str, type[EncoderSettings]] = {
    "mlp": MLP,
    "imix_mlp": IMixMLP,
    "cnn": CNN,
    "cnn1d": CNN1d,
    "resnet": ResNet,
    "timm": TimmModel,
    "gin": GIN,
    "transformer": Transformer,
}

AnyEncoder = Annotated[EncoderSettings, *choice(ENCODERS)]
"""Type of an encoder in a recipe: a name, or a table with ``kind`` and the encoder's settings."""

__all__ = ["ENCODERS", "AnyEncoder", "Encoder", "EncoderSettings", "Inputs"]
