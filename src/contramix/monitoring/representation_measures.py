"""Measure the quality of representations: without labels, or with labels by a nearest-neighbor score."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

NEIGHBORS = 5
"""Number of nearest neighbors that vote on the target."""
DEAD_UNIT_SHARE = 1e-6
"""Largest standard deviation of a dead unit (a constant element of the representation), as a share of the
representation's root mean square. Rounding errors are smaller, signals are larger."""

MEANING = {
    "loss": "of one batch",
    "floor": "the smallest loss that any network could have",
    "chance": "the loss of a network that cannot distinguish rows",
    "effective_rank": "how many directions the representation uses; 1: collapsed",
    "feature_std": "how much the directions of rows differ; 0: all the same, 1: evenly spread",
    "dead_share": "units of the representation that are the same for all rows",
    "alignment": "squared distance of the two views of a row, as projections; 0: the same",
    "uniformity": "how evenly projections are spread; 0: all the same, about -4: evenly",
    "view_cosine_input": "similarity of the two views before encoding; near 1: too easy, near 0: too hard",
    "view_cosine_output": "similarity of the two views' representations",
    "knn": "score of the five nearest neighbors' vote on the target",
}
"""Descriptions of the values that are measured during training, by name."""


def rankme(z: Float[Tensor, " n d"]) -> float:
    """Compute the effective rank of representations from their singular values: RankMe (Garrido et al., ICML 2023).

    The singular values are normalized to sum 1, and the effective rank is the exponential of their entropy. It ranges
    from 1, if all rows point in one direction or are zero, to min(n, d). Unlike this function,
    :func:`contramix.monitoring.data_rank.eigenvalue_effective_rank` uses the squares of the singular values.

    Examples
    --------
    >>> round(rankme(torch.eye(8)), 3), round(rankme(torch.ones(8, 8)), 3)
    (8.0, 1.0)
    """
    z = z.double()
    # Eigenvalues of the smaller product are the squared singular values; this is exact enough and much faster.
    squares = torch.linalg.eigvalsh(z @ z.T if len(z) < z.shape[1] else z.T @ z)
    share = squares.clamp(min=0).sqrt()
    share = share / share.sum().clamp(min=1e-300)
    return float(torch.special.entr(share).sum().exp())


def alignment(u: Float[Tensor, " n p"], v: Float[Tensor, " n p"]) -> float:
    """Compute the mean squared distance between the unit vectors of two views of each row, from 0 (equal) to 4.

    It is the alignment loss of Wang & Isola, ICML 2020, section 4.
    """
    return float((u - v).square().sum(1).mean())


def uniformity(u: Float[Tensor, " n p"]) -> float:
    """Measure how evenly unit vectors are spread over the sphere (Wang & Isola, ICML 2020, section 4).

    The result is ``log mean exp(-2 ||u_i - u_j||^2)`` over all pairs i != j: 0 if all vectors are the same, and about
    -4 if they are evenly spread over a sphere of many dimensions.
    """
    exponent = 4 * (u @ u.T) - 4  # -2 ||u_i - u_j||^2 of unit vectors
    off_diagonal = exponent.fill_diagonal_(-torch.inf).flatten()
    return float(off_diagonal.logsumexp(0) - torch.tensor(float(len(u) * (len(u) - 1))).log())


def feature_std(z: Float[Tensor, " n d"]) -> float:
    """Measure how much the directions of representations differ (SimSiam: Chen & He, 2021, figure 2).

    Rows are scaled to unit length. The result is the mean of their features' standard deviations, times sqrt(d): 0 if
    all rows point in one direction, and 1 if directions are evenly spread.
    """
    std = normalize(z, dim=1).std(0, correction=0)
    return float(std.mean() * z.shape[1] ** 0.5)


def dead_units(z: Float[Tensor, " n d"]) -> Bool[Tensor, " d"]:
    """Return a mask of shape (d,) of the units (columns of ``z``) that are constant over the rows."""
    return z.std(0, correction=0) <= DEAD_UNIT_SHARE * z.square().mean().sqrt()


def centered_cosine(u: Float[Tensor, " n d"], v: Float[Tensor, " n d"], mean: Float[Tensor, " d"]) -> float:
    """Compute the cosine similarity of ``u - mean`` and ``v - mean`` for each row, and return the mean."""
    return float(cosine_similarity(u.double() - mean, v.double() - mean, dim=1).mean())


def knn_score(z: Float[Tensor, " n d"], y: Int[Tensor, " n"] | Float[Tensor, " n"]) -> float:
    """Compute the accuracy, or R squared, of predicting each row's target from its five nearest neighbors.

    Parameters
    ----------
    z
        Representations, which are standardized by feature before distances are computed.
    y
        Class numbers from 0 (the accuracy is computed), or numeric targets as floats (R squared is computed).
    """
    z = (z - z.mean(0)) / torch.where(dead_units(z), torch.inf, z.std(0, correction=0))
    distance = torch.cdist(z, z).fill_diagonal_(torch.inf)
    near = y[distance.topk(min(NEIGHBORS, len(y) - 1), largest=False).indices]
    if y.is_floating_point():
        return float(1 - (near.double().mean(1) - y).square().mean() / y.double().var(correction=0))
    votes = torch.zeros(len(y), int(y.max()) + 1).to(y.device).scatter_add_(1, near, torch.ones_like(near).float())
    return float((votes.argmax(1) == y).double().mean())
