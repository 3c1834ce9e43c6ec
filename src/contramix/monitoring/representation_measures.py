"""What can be read from representations without labels; and with them, by nearest neighbours."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import cosine_similarity, normalize

NEIGHBOURS = 5
DEAD = 1e-6
"""A unit is dead if it varies by less than this share of the representation's size: rounding does, signals do not."""


MEANING = {
    "loss": "of one batch",
    "floor": "the smallest loss that any network could have",
    "chance": "the loss of a network that tells no rows apart",
    "effective_rank": "how many directions the representation uses; 1: collapsed",
    "feature_std": "how far rows point different ways; 0: all one way, 1: everywhere alike",
    "dead_share": "units of the representation that are the same for all rows",
    "alignment": "squared distance of the two views of a row, as projections; 0: the same",
    "uniformity": "how evenly projections are spread; 0: all one, about -4: evenly",
    "view_cosine_input": "likeness of the two views before encoding; near 1: too easy, near 0: too hard",
    "view_cosine_output": "likeness of the two views' representations",
    "knn": "score of the five nearest neighbours' vote on the target",
}
"""What a reading says, in words."""


def effective_rank(z: Float[Tensor, " n d"]) -> float:
    """RankMe: the exponential of the entropy of the singular values' shares (Garrido et al., ICML 2023, eq. 1).

    From 1, where all rows point one way (or are zero), to min(n, d).

    Examples
    --------
    >>> round(effective_rank(torch.eye(8)), 3), round(effective_rank(torch.ones(8, 8)), 3)
    (8.0, 1.0)
    """
    z = z.double()
    # Singular values by way of the smaller product, which is exact enough in double precision and far quicker.
    squares = torch.linalg.eigvalsh(z @ z.T if len(z) < z.shape[1] else z.T @ z)
    share = squares.clamp(min=0).sqrt()
    share = share / share.sum().clamp(min=1e-300)
    return float(torch.special.entr(share).sum().exp())


def alignment(u: Float[Tensor, " n p"], v: Float[Tensor, " n p"]) -> float:
    """Mean squared distance of the two views' unit vectors (Wang & Isola, ICML 2020, section 4): 0 to 4."""
    return float((u - v).square().sum(1).mean())


def uniformity(u: Float[Tensor, " n p"]) -> float:
    """``log mean exp(-2 ||u_i - u_j||^2)`` over pairs of rows (Wang & Isola, ICML 2020, section 4).

    0 where all are one; about -4 where they are spread evenly over a sphere of many dimensions.
    """
    exponent = 4 * (u @ u.T) - 4  # -2 ||u_i - u_j||^2 of unit vectors
    off_diagonal = exponent.fill_diagonal_(-torch.inf).flatten()
    return float(off_diagonal.logsumexp(0) - torch.tensor(float(len(u) * (len(u) - 1))).log())


def feature_std(z: Float[Tensor, " n d"]) -> float:
    """Mean over features of the standard deviation of unit-length rows, times sqrt(d): 0 where all rows point one way,
    1 where they point everywhere alike (Chen & He, 2021, figure 2)."""
    std = normalize(z, dim=1).std(0, correction=0)
    return float(std.mean() * z.shape[1] ** 0.5)


def dead(z: Float[Tensor, " n d"]) -> Bool[Tensor, " d"]:
    """Which units do not vary over the rows."""
    return z.std(0, correction=0) <= DEAD * z.square().mean().sqrt()


def centred_cosine(u: Float[Tensor, " n d"], v: Float[Tensor, " n d"], mean: Float[Tensor, " d"]) -> float:
    """Mean over rows of the cosine of u and v as seen from a point."""
    return float(cosine_similarity(u.double() - mean, v.double() - mean, dim=1).mean())


def knn_score(z: Float[Tensor, " n d"], y: Int[Tensor, " n"] | Float[Tensor, " n"]) -> float:
    """Accuracy, or R squared of quantities, of the vote of each row's five nearest other rows.

    Features are standardised; ``y`` holds class numbers from 0, or quantities as floats.
    """
    z = (z - z.mean(0)) / torch.where(dead(z), torch.inf, z.std(0, correction=0))
    distance = torch.cdist(z, z).fill_diagonal_(torch.inf)
    near = y[distance.topk(min(NEIGHBOURS, len(y) - 1), largest=False).indices]
    if y.is_floating_point():
        return float(1 - (near.double().mean(1) - y).square().mean() / y.double().var(correction=0))
    votes = torch.zeros(len(y), int(y.max()) + 1).to(y.device).scatter_add_(1, near, torch.ones_like(near).float())
    return float((votes.argmax(1) == y).double().mean())
