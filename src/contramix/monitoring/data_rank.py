"""Measure the effective rank of data, on which the bound of DACL's Theorem 3 depends.

Theorem 3 bounds the gap between training and test loss: by sqrt(rank / n) for the regularizer of mixup noise, and by
sqrt(d / n) for that of Gaussian noise. Measured data always have full rank. Therefore the effective rank is reported.
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
"""Maximum number of rows that are used. They can show at most as many directions."""
MAX_SIDE = 32
"""Height and width to which larger images are reduced by averaging."""
MAX_DIMENSION = 2**14
"""Largest number of elements of a sample for which the rank is computed (128 MB in double precision). For larger
samples, 1,024 rows show too few of the directions."""


def second_moment(x: Float[Tensor, " n d"]) -> Float[Tensor, " d d"]:
    """Return E[x x'], the second moment of rows that are not centered."""
    return x.T @ x / len(x)


def eigenvalue_effective_rank(x: Float[Tensor, " n d"]) -> float:
    """Return the effective rank of rows by the eigenvalues of their second moment (Roy & Vetterli, 2007).

    It is the exponential of the entropy of the eigenvalues, normalized to sum 1: from 1, if all rows lie on one line,
    to min(n, d). :func:`contramix.monitoring.representation_measures.rankme` uses singular values instead.

    Examples
    --------
    >>> round(eigenvalue_effective_rank(torch.eye(8)), 3), round(eigenvalue_effective_rank(torch.ones(8, 8)), 3)
    (8.0, 1.0)
    """
    x = x.double()
    values = torch.linalg.eigvalsh(x @ x.T if len(x) < x.shape[1] else x.T @ x).clamp(min=0)
    return float(torch.special.entr(values / values.sum().clamp(min=1e-300)).sum().exp())


def data_rank(encoder: Encoder, x: Samples, layout: Layout | None = None) -> dict[str, Any] | None:
    """Compute the effective rank of inputs as an encoder's first layer sees them; images are standardized by channel.

    The result is None if inputs have different shapes (graphs; texts and series of different lengths). The effective
    rank of their representations is among the measures of :class:`contramix.monitoring.health.Health`. Elements that
    hold category codes are left out. At most :data:`ROWS` rows are read.

    Parameters
    ----------
    encoder
        Encoder whose input transform and standardization are applied.
    x
        All training samples.
    layout
        Marks the elements that hold category codes.

    Returns
    -------
    dict
        ``effective_rank``, ``dimension`` (number of elements) and ``rows`` (number of rows used), or None.
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
    """Describe the result of :func:`data_rank` in one sentence.

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
    """Return inputs of the encoder's first layer as vectors; None if they have different lengths."""
    x: Activations = encoder.front(part)
    if "standardise" in encoder.stages:
        x = encoder.stages["standardise"](x)
    if isinstance(x, RaggedBatch):
        return None
    if x.dim() == 4 and max(x.shape[2:]) > MAX_SIDE:
        x = adaptive_avg_pool2d(x, (min(MAX_SIDE, x.shape[2]), min(MAX_SIDE, x.shape[3])))
    return x.flatten(1).cpu()
