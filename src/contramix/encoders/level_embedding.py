"""Columns of many levels: a learned vector for each level, in the encoder's first stage."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


def vector_size(levels: int) -> int:
    """How long a level's vector is: the square root of their number, between 2 and 32."""
    return max(2, min(32, math.ceil(math.sqrt(levels))))


class EmbedCodes(nn.Module):
    """Replace each whole-number code by its learned vector; the other elements stay, in front.

    Parameters
    ----------
    width
        Length of the vectors that come in.
    codes
        Pairs of an element and how many codes it has.
    """

    def __init__(self, width: int, codes: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        at = [element for element, _ in codes]
        self.at = at
        self.tables = nn.ModuleList(nn.Embedding(n, vector_size(n)) for _, n in codes)
        plain = [element for element in range(width) if element not in set(at)]
        self.register_buffer("plain", torch.tensor(plain, dtype=torch.long), persistent=False)
        self.plain: Tensor
        self.width = len(plain) + sum(vector_size(n) for _, n in codes)

    def forward(self, x: Float[Tensor, " B D"]) -> Float[Tensor, " B E"]:
        """(B, D) with codes to (B, width) without."""
        vectors = [table(x[:, element].long()) for element, table in zip(self.at, self.tables)]
        return torch.cat([x[:, self.plain], *vectors], 1)
