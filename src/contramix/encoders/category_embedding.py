"""Embed the categories of high-cardinality table columns as learned vectors."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


def embedding_size(categories: int) -> int:
    """Return the embedding size of a column: the square root of its number of categories, at least 2, at most 32."""
    return max(2, min(32, math.ceil(math.sqrt(categories))))


class CategoryEmbedding(nn.Module):
    """Replace integer category codes in encoded table rows with learned vectors, which are moved to the end.

    Parameters
    ----------
    width
        Size of the input vectors.
    codes
        Pairs (position of an element that holds codes, number of its categories).
    """

    def __init__(self, width: int, codes: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        at = [element for element, _ in codes]
        self.at = at
        self.tables = nn.ModuleList(nn.Embedding(n, embedding_size(n)) for _, n in codes)
        plain = [element for element in range(width) if element not in set(at)]
        self.register_buffer("plain", torch.tensor(plain, dtype=torch.long), persistent=False)
        self.plain: Tensor
        self.width = len(plain) + sum(embedding_size(n) for _, n in codes)

    def forward(self, x: Float[Tensor, " B D"]) -> Float[Tensor, " B E"]:
        """Embed the codes: (B, D) to (B, E), the elements without codes followed by the learned vectors."""
        vectors = [table(x[:, element].long()) for element, table in zip(self.at, self.tables)]
        return torch.cat([x[:, self.plain], *vectors], 1)
