"""Measure how similar two views of a row are before they are encoded. All columns have the same weight."""

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.mixing.layout import Layout


class ViewSimilarity:
    """Compute the mean cosine similarity of two views of rows, after columns are centered and scaled to variance 1.

    A category code is treated as the one-hot vector that it stands for. Constant columns are left out.

    Parameters
    ----------
    x
        Rows without noise, from which the means and variances of the columns are computed.
    layout
        Columns of a table: which elements of a row belong to the same column, and which hold category codes. None: each
        element is a column, and there are no codes.

    Examples
    --------
    >>> x = torch.tensor([[0.0, 100.0], [2.0, 300.0]])
    >>> ViewSimilarity(x)(x, x), ViewSimilarity(x)(x, x.flip(0))
    (1.0, -1.0)
    """

    def __init__(self, x: Float[Tensor, " n *s"], layout: Layout | None = None) -> None:
        flat = x.flatten(1).double()
        columns = torch.arange(flat.shape[1], device=x.device)
        self.code = layout.code if layout else torch.zeros_like(columns, dtype=torch.bool)
        unit = layout.unit if layout else columns
        self.mean = flat.mean(0)
        variance = (flat - self.mean).square().mean(0)
        total = torch.zeros(len(columns), device=x.device, dtype=torch.float64).scatter_add(0, unit, variance)[unit]
        # Columns that vary by rounding errors only are constant.
        varies = ~self.code & (total > 1e-12 * (1 + self.mean.square()))
        self.scale = torch.where(varies, total.clamp(min=1e-30).rsqrt(), 0.0)
        self.shares = [column.long().bincount() / len(x) for column in flat[:, self.code].T]

    def __call__(self, u: Float[Tensor, " n *s"], v: Float[Tensor, " n *s"]) -> float:
        """Compute the cosine similarity of the views ``u`` and ``v`` of each row, and return its mean over the rows."""
        cosine = self._product(u, v) / (self._product(u, u) * self._product(v, v)).sqrt()
        return float(cosine.nanmean())

    def _product(self, u: Tensor, v: Tensor) -> Float[Tensor, " n"]:
        a, b = u.flatten(1).double(), v.flatten(1).double()
        total = ((a - self.mean) * (b - self.mean) * self.scale.square()).sum(1)
        for share, i, j in zip(self.shares, a[:, self.code].T.long(), b[:, self.code].T.long()):
            same = share.square().sum()
            if same < 1:
                # <e_i - p, e_j - p> of the one-hot vectors, over its mean for i = j; an unknown category has p = 0.
                p_i, p_j = (torch.where(k < len(share), share[k.clamp(max=len(share) - 1)], 0.0) for k in (i, j))
                total = total + ((i == j).double() - p_i - p_j + same) / (1 - same)
        return total
