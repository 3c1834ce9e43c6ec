"""i-Mix's MLP for tables: column groups, five layers, maxout."""

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs
from contramix.encoders.level_embedding import EmbedCodes


class IMixMLP(EncoderSettings):
    """The network of the i-Mix paper's tables, at a width multiplier; 64 is the official width.

    Each column group goes through a linear layer of its own to ``width`` features (one group alone: with
    BatchNorm and ReLU); then layers of 32, 32, 64 and 64 times the width, one of 128 times, and the largest of
    every four features: 32 times the width come out. Stages: ``groups``, ``layer1`` to ``layer5``.
    """

    width: int = Field(default=64, ge=1, le=1024)

    def build(self, inputs: Inputs) -> Encoder:
        """Inputs without groups are one group."""
        flat = 1
        for side in inputs.shape:
            flat *= side
        groups = inputs.groups or (flat,)
        stages: dict[str, nn.Module] = {"groups": Groups(flat, groups, inputs.codes, self.width)}
        width = len(groups) * self.width
        for number, times in enumerate((32, 32, 64, 64), start=1):
            out = times * self.width
            stages[f"layer{number}"] = nn.Sequential(nn.Linear(width, out), nn.BatchNorm1d(out), nn.ReLU())
            width = out
        stages["layer5"] = nn.Sequential(nn.Linear(width, 128 * self.width), Maxout(4))
        return Encoder(stages, 32 * self.width)


class Groups(nn.Module):
    """A linear layer for each column group; no BatchNorm and no ReLU unless there is one group only."""

    def __init__(self, flat: int, groups: tuple[int, ...], codes: tuple[tuple[int, int], ...], width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        start = 0
        for size in groups:
            inside = tuple((at - start, n) for at, n in codes if start <= at < start + size)
            embed = EmbedCodes(size, inside) if inside else None
            linear = nn.Linear(embed.width if embed else size, width)
            layers.append(nn.Sequential(embed, linear) if embed else linear)
            start += size
        self.sizes = groups
        self.layers = nn.ModuleList(layers)
        self.after = nn.Sequential(nn.BatchNorm1d(width), nn.ReLU()) if len(groups) == 1 else nn.Identity()

    def forward(self, x: Float[Tensor, " B *s"]) -> Float[Tensor, " B d"]:
        """(B, sum of groups) to (B, groups * width)."""
        parts = torch.split(x.flatten(1), list(self.sizes), 1)
        joined: Tensor = self.after(torch.cat([layer(part) for layer, part in zip(self.layers, parts)], 1))
        return joined


class Maxout(nn.Module):
    """The largest of every ``pieces`` neighbouring features."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Float[Tensor, " B d"]) -> Float[Tensor, " B e"]:
        """(B, d) to (B, d / pieces)."""
        return x.reshape(len(x), -1, self.pieces).amax(2)
