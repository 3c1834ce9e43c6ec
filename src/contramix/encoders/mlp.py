"""A plain MLP with BatchNorm, of any depth and width."""

from pydantic import Field
from torch import nn

from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs
from contramix.encoders.level_embedding import EmbedCodes
from contramix.encoders.user_module import Padded
from contramix.errors import InputError


class MLP(EncoderSettings):
    """``depth`` layers of Linear, BatchNorm, ReLU; stages ``layer1`` to ``layerN``, before them ``embed`` if needed.

    DACL's 12-layer network on tables is ``depth=12``; the paper does not give its widths.
    """

    takes = frozenset({"values", "steps"})

    depth: int = Field(default=4, ge=1, le=100)
    width: int = Field(default=256, ge=1, le=65536)

    def build(self, inputs: Inputs) -> Encoder:
        """Inputs of more than one axis are flattened.

        Raises
        ------
        InputError
            If they are series of differing lengths.
        """
        if inputs.varying:
            raise InputError("encoder 'mlp' takes series of one length only, and these differ; take 'cnn1d'")
        width = 1
        for side in inputs.shape:
            width *= side
        stages: dict[str, nn.Module] = {}
        if inputs.codes:
            stages["embed"] = embed = EmbedCodes(width, inputs.codes)
            width = embed.width
        elif len(inputs.shape) > 1:
            stages["flatten"] = nn.Sequential(Padded(), nn.Flatten()) if inputs.kind == "steps" else nn.Flatten()
        for number in range(1, self.depth + 1):
            stages[f"layer{number}"] = nn.Sequential(
                nn.Linear(width, self.width), nn.BatchNorm1d(self.width), nn.ReLU()
            )
            width = self.width
        return Encoder(stages, width)
