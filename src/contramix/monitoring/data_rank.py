"""In how many directions data lie: the effective rank of their second moment, by which DACL's Theorem 3 reads.

Theorem 3 bounds how far mixup noise's regulariser lets training and test loss differ by sqrt(rank / n), and Gaussian
noise's by sqrt(d / n). The rank of measured data is always full, so what is told is how many directions carry it.
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
from contramix.types import Activations, Ragged

ROWS = 1024
"""Rows that are looked at; as many directions can be told apart."""
SIDE = 32
"""Larger pictures are looked at as averages over so many fields a side."""
MOST_NUMBERS = 2**14
"""Of larger samples nothing is told: so many directions are not seen in so few rows. 128 MB in double precision."""


def second_moment(x: Float[Tensor, " n d"]) -> Float[Tensor, " d d"]:
    """E[x x'], not centred."""
    return x.T @ x / len(x)


def effective_rank(x: Float[Tensor, " n d"]) -> float:
    """The exponential of the entropy of the second moment's eigenvalues, as shares (Roy & Vetterli, 2007).

    From 1, where all rows lie on one line, to min(n, d). The effective rank of
    :mod:`contramix.monitoring.representation_measures` uses the shares of singular values instead, as in RankMe.

    Examples
    --------
    >>> round(effective_rank(torch.eye(8)), 3), round(effective_rank(torch.ones(8, 8)), 3)
    (8.0, 1.0)
    """
    x = x.double()
    values = torch.linalg.eigvalsh(x @ x.T if len(x) < x.shape[1] else x.T @ x).clamp(min=0)
    return float(torch.special.entr(values / values.sum().clamp(min=1e-300)).sum().exp())


def data_rank(encoder: Encoder, x: Samples, layout: Layout | None = None) -> dict[str, Any] | None:
    """The effective rank of inputs as an encoder's first weights see them, pictures standardised by channel.

    None where inputs have no one shape (graphs; texts and series of many lengths), so are not mixed as vectors; their
    representations' effective rank is among the readings of health. Elements that hold codes are left out. Nothing is
    drawn from a run's randomness, and at most :data:`ROWS` rows are read.

    Parameters
    ----------
    encoder
        Its front, and its standardisation, are asked for inputs.
    x
        All training samples.
    layout
        Which elements hold codes.

    Returns
    -------
    dict
        ``effective_rank``, ``dimension`` and ``rows``, or None.
    """
    if isinstance(x, Graphs) or x.dtype == torch.int32:  # packed, or tokens
        return None
    rows = sample_rows(len(x), ROWS, Key("data rank")).sort().values
    parts = []
    for part in sequential_batches(take(x, rows)):
        flat = _flat(encoder, part)
        if flat is None or flat.shape[1] > MOST_NUMBERS:
            return None
        parts.append(flat if layout is None else flat[:, ~layout.code.cpu()])
    found = torch.cat(parts)
    if not found.shape[1] or not bool(found.isfinite().all()):
        return None
    return {"effective_rank": round(effective_rank(found), 1), "dimension": found.shape[1], "rows": len(found)}


def in_words(found: dict[str, Any]) -> str:
    """How to read it, in one sentence.

    Examples
    --------
    >>> in_words({"effective_rank": 13.5, "dimension": 54, "rows": 1024})[:42]
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
    x: Activations = encoder.front(part)
    if "standardise" in encoder.stages:
        x = encoder.stages["standardise"](x)
    if isinstance(x, Ragged):
        return None
    if x.dim() == 4 and max(x.shape[2:]) > SIDE:
        x = adaptive_avg_pool2d(x, (min(SIDE, x.shape[2]), min(SIDE, x.shape[3])))
    return x.flatten(1).cpu()
