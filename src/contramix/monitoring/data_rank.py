"""Measure the effective rank of data, on which the bound in Theorem 3 of the DACL paper depends.

Theorem 3 bounds the gap between training and test loss. The bound is proportional to sqrt(rank / n) with mixup noise,
and to sqrt(d / n) with Gaussian noise. Real data always have full rank; therefore the effective rank is reported.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from contramix.encoders.encoder import Encoder
from contramix.mixing.layout import Layout
from contramix.runtime.randomness import Key
from contramix.samples.graphs import Graphs
from contramix.samples.samples import Batch, Samples, sequential_batches, take
from contramix.samples.shuffling import sample_rows
from contramix.types import Activations, RaggedBatch

ROWS = 1024
"""Maximum number of rows from which the effective rank is computed, which cannot exceed this number."""
MAX_SIDE = 32
"""Largest height and width of images from which the rank is computed; larger images are reduced by averaging."""
MAX_DIMENSION = 2**14
"""Largest number of elements of a sample for which the rank is computed (128 MB in double precision). For larger
samples, 1,024 rows show too few of the directions."""


def second_moment(x: Float[Tensor, " n d"]) -> Float[Tensor, " d d"]:
    """Compute the second moment of rows without centering them: the mean of the outer products x x', shape (d, d)."""
    return x.T @ x / len(x)


def eigenvalue_effective_rank(x: Float[Tensor, " n d"]) -> float:
    """Compute the effective rank of rows from the eigenvalues of their second moment (Roy & Vetterli, 2007).

    The eigenvalues are normalized to sum 1, and the effective rank is the exponential of their entropy. It ranges from
    1, if all rows lie on one line through the origin, to min(n, d). Unlike this function,
    :func:`contramix.monitoring.representation_measures.rankme` uses singular values.

    Examples
    --------
    >>> round(eigenvalue_effective_rank(torch.eye(8)), 3), round(eigenvalue_effective_rank(torch.ones(8, 8)), 3)
    (8.0, 1.0)
    """
    x = x.double()
    values = torch.linalg.eigvalsh(x @ x.T if len(x) < x.shape[1] else x.T @ x).clamp(min=0)
    return float(torch.special.entr(values / values.sum().clamp(min=1e-300)).sum().exp())


def data_rank(encoder: Encoder, x: Samples, layout: Layout | None = None) -> dict[str, Any] | None:
    """Compute the effective rank of a data set, from the inputs of an encoder's first layer.

    At most :data:`ROWS` rows are used. Elements that hold category codes are left out.

    Parameters
    ----------
    encoder
        Encoder whose input transform and standardization are applied to the samples.
    x
        All training samples.
    layout
        Columns of a table, which mark the elements that hold category codes; None for other data.

    Returns
    -------
    dict or None
        ``effective_rank``, ``dimension`` (number of elements of an input) and ``rows`` (number of rows used). None if
        inputs do not all have the same shape (graphs, texts, series of different lengths), have more than
        :data:`MAX_DIMENSION` elements or only category codes, or are not finite.
    """
    if isinstance(x, Graphs) or x.dtype == torch.int32:  # graphs or tokens
        return None
    rows = sample_rows(len(x), ROWS, Key("data rank")).sort().values
    parts = []
    for part in sequential_batches(take(x, rows)):
        flat = _flat(encoder, part)
        if flat is None or flat.shape[1] > MAX_DIMENSION:
            return None
        parts.append(flat if layout is None else flat[:, ~layout.code.cpu()])
    found = torch.cat(parts)
    if not found.shape[1] or not bool(found.isfinite().all()):
        return None
    return {
        "effective_rank": round(eigenvalue_effective_rank(found), 1),
        "dimension": found.shape[1],
        "rows": len(found),
    }


def describe_data_rank(found: dict[str, Any]) -> str:
    """Describe in one sentence the dictionary that :func:`data_rank` returns.

    Examples
    --------
    >>> describe_data_rank({"effective_rank": 13.5, "dimension": 54, "rows": 1024})[:42]
    'about 13.5 of 54 directions carry the data'
    """
    rank, dimension, rows = found["effective_rank"], found["dimension"], found["rows"]
    seen = f", as far as {rows:,} rows show" if rows < dimension else ""
    return (
        f"about {rank:g} of {dimension:,} directions carry the data{seen}; the fewer, the tighter DACL's bound "
        f"(Theorem 3) is with mixup noise: about {(rank / dimension) ** 0.5:.2f} of that with Gaussian noise, where "
        "columns are of one size"
    )


@torch.no_grad()
def _flat(encoder: Encoder, part: Batch) -> Float[Tensor, " B d"] | None:
    """Compute the inputs of the encoder's first layer for a batch, flattened to shape (B, d).

    Images higher or wider than :data:`MAX_SIDE` pixels are downsampled to that size by averaging. The result is None if
    inputs have different lengths, such as series can have.
    """
    x: Activations = encoder.front(part)
    if "standardise" in encoder.stages:
        x = encoder.stages["standardise"](x)
    if isinstance(x, RaggedBatch):
        return None
    if x.dim() == 4 and max(x.shape[2:]) > MAX_SIDE:
        x = adaptive_avg_pool2d(x, (min(MAX_SIDE, x.shape[2]), min(MAX_SIDE, x.shape[3])))
    return x.flatten(1).cpu()
