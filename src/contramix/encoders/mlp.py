"""Provide an MLP with BatchNorm, of any depth and width."""

from pydantic import Field
from torch import nn

from contramix.encoders.category_embedding import CategoryEmbedding
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs
from contramix.encoders.user_module import PaddedValues
from contramix.errors import InputError


class MLP(EncoderSettings):
    """Configure an MLP of ``depth`` layers, each of ``width`` units with BatchNorm and ReLU.

    The stages are ``layer1`` to ``layerN``. If the inputs are table rows with integer category codes, a first stage
    ``embed`` replaces the codes with learned vectors. If a sample has several axes, a first stage ``flatten`` flattens
    it. DACL's 12-layer network on tables is ``depth=12``; the paper does not give its widths.
    """

    takes = frozenset({"values", "steps"})

    depth: int = Field(default=4, ge=1, le=100)
    width: int = Field(default=256, ge=1, le=65536)

    def build(self, inputs: Inputs) -> Encoder:
        """Build the encoder, with newly initialized weights; samples with more than one axis are flattened.

        Raises
        ------
        InputError
            If the samples are series of varying length.
        """
        if inputs.varying:
            raise InputError("encoder 'mlp' takes series of one length only, and these vary in length; use 'cnn1d'")
        width = 1
        for side in inputs.shape:
            width *= side
        stages: dict[str, nn.Module] = {}
        if inputs.codes:
            stages["embed"] = embed = CategoryEmbedding(width, inputs.codes)
            width = embed.width
        elif len(inputs.shape) > 1:
            stages["flatten"] = nn.Sequential(PaddedValues(), nn.Flatten()) if inputs.kind == "steps" else nn.Flatten()
        for number in range(1, self.depth + 1):
            stages[f"layer{number}"] = nn.Sequential(
                nn.Linear(width, self.width), nn.BatchNorm1d(self.width), nn.ReLU()
            )
            width = self.width
        return Encoder(stages, width)
