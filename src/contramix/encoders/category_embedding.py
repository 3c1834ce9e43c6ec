"""Embed the categories of high-cardinality table columns as learned vectors."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn


def embedding_size(categories: int) -> int:
    """Return the size of the learned vectors of a column with the given number of categories.

    It is the square root of ``categories``, rounded up, but at least 2 and at most 32.
    """
    return max(2, min(32, math.ceil(math.sqrt(categories))))


class CategoryEmbedding(nn.Module):
    """Replace the integer category codes in encoded table rows with learned vectors, which are placed last in the row.

    Parameters
    ----------
    width
        Length of an encoded row before the replacement.
    codes
        One pair per column of codes: (position of the code in the row, number of categories).
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
        """Return the rows with their codes replaced: shape (B, D) to (B, E).

        An output row holds the elements of the input row that are not codes, followed by one vector per code.
        """
        vectors = [table(x[:, element].long()) for element, table in zip(self.at, self.tables)]
        return torch.cat([x[:, self.plain], *vectors], 1)
