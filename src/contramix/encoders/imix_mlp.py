"""Provide the MLP that the i-Mix paper uses on tables, with maxout as its last activation."""

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from contramix.encoders.category_embedding import CategoryEmbedding
from contramix.encoders.encoder import Encoder, EncoderSettings, Inputs


class IMixMLP(EncoderSettings):
    """Configure the MLP that the i-Mix paper uses on tables, scaled by ``width`` (64 in the paper).

    A linear layer maps each column group (such as all numeric columns, or one categorical column) to ``width``
    features. If there is only one group, BatchNorm and ReLU follow. Then come layers of 32, 32, 64, 64 and 128 times
    ``width`` features. A final maxout over groups of four features returns a representation of size 32 * ``width``. The
    stages are ``groups`` and ``layer1`` to ``layer5``.
    """

    width: int = Field(default=64, ge=1, le=1024)

    def build(self, inputs: Inputs) -> Encoder:
        """Build the encoder, with new random weights; if ``inputs.groups`` is empty, all columns are one group."""
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
    """Apply a linear layer to each column group and concatenate the outputs.

    ``flat`` is the length of an encoded row, ``groups`` are the sizes of the groups, and ``width`` is the output size
    of each layer. ``codes`` holds one pair per column of category codes, (position of the code in the row, number of
    categories); these codes are embedded first. If there is only one group, BatchNorm and ReLU follow.
    """

    def __init__(self, flat: int, groups: tuple[int, ...], codes: tuple[tuple[int, int], ...], width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        start = 0
        for size in groups:
            inside = tuple((at - start, n) for at, n in codes if start <= at < start + size)
            embed = CategoryEmbedding(size, inside) if inside else None
            linear = nn.Linear(embed.width if embed else size, width)
            layers.append(nn.Sequential(embed, linear) if embed else linear)
            start += size
        self.sizes = groups
        self.layers = nn.ModuleList(layers)
        self.after = nn.Sequential(nn.BatchNorm1d(width), nn.ReLU()) if len(groups) == 1 else nn.Identity()

    def forward(self, x: Float[Tensor, " B *s"]) -> Float[Tensor, " B d"]:
        """Apply each group's layer to encoded rows of shape (B, flat), and return (B, number of groups * width)."""
        parts = torch.split(x.flatten(1), list(self.sizes), 1)
        joined: Tensor = self.after(torch.cat([layer(part) for layer, part in zip(self.layers, parts)], 1))
        return joined


class Maxout(nn.Module):
    """Take the maximum over each group of ``pieces`` consecutive features."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Float[Tensor, " B d"]) -> Float[Tensor, " B e"]:
        """Take the maximum over consecutive features: (B, d) to (B, d / pieces)."""
        return x.reshape(len(x), -1, self.pieces).amax(2)
