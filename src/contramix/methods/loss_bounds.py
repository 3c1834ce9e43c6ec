"""Between what a loss can move: its floor, which no network can undercut, and chance, where nothing was learned."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.types import Targets


class Bounds(NamedTuple):
    """Of a batch's loss."""

    floor: float
    chance: float
    """For queries at right angles to all keys."""


def nce_bounds(targets: Targets, temperature: float, rows: int, copies: int = 1) -> Bounds:
    r"""Bounds of cross-entropies with soft labels over unit vectors.

    The floor is the smallest expected loss of any unit vectors, in any dimension, where keys do not know which rows
    they will be mixed with. Keys are best spread as a regular simplex, s(k, k') = -1 / (n - 1): with it the bound
    ``sum_m w_m s_m - tau H`` of Fenchel is met. What is left is a convex problem in a query's similarities s, which
    sum to zero over the rows and have length at most sqrt(n / (n - 1)). For plain labels it gives
    ``log(1 + (n - 1) exp(-n / ((n - 1) tau)))`` (Graf et al., ICML 2021, theorem 2).

    Parameters
    ----------
    targets
        Soft labels of some queries; only their weights count, and which indices are the same.
    temperature
        tau > 0.
    rows
        n, how many different samples stand behind the keys.
    copies
        In how many keys a row that is not in a query's label occurs (SimCLR: both of its views).

    Examples
    --------
    >>> floor, chance = nce_bounds(Targets.plain(3), 1.0, rows=3)
    >>> round(floor, 4), round(math.log(1 + 2 * math.exp(-1.5)), 4), round(chance, 4)
    (0.369, 0.369, 1.0986)
    """
    w = _merged(targets)
    real = w > 0
    rest = rows - real.double().sum(1, keepdim=True)
    log_keys = (copies * rest).log()  # of all other rows together; -inf if there is none
    # Each row's similarities: to the keys in its label, s, and to each of the others, s0. Projected gradient descent,
    # step 2 tau^2, from where the entropy of the label would be met if there were no other keys.
    s = torch.where(real, torch.maximum(1 + temperature * w.clamp(min=1e-30).log(), w), 0.0)
    s0 = -s.sum(1, keepdim=True) / rest.clamp(min=1)
    for _ in range(STEPS):
        length = (s.square().sum(1, keepdim=True) + rest * s0.square()).sqrt() * math.sqrt((rows - 1) / rows)
        s, s0 = s / length, s0 / length
        logits = torch.cat([torch.where(real, s / temperature, -torch.inf), s0 / temperature + log_keys], 1)
        loss, p = logits.logsumexp(1) - (w * s).sum(1) / temperature, logits.softmax(1)
        s = (s + 2 * temperature * (w - p[:, :-1])) * real
        s0 = s0 - 2 * temperature * p[:, -1:] / rest.clamp(min=1)
    keys = real.sum(1) + copies * rest[:, 0]
    return Bounds(float(loss.mean()), float(keys.log().mean()))


STEPS = 60
"""After so many the floor is exact to about 1e-4 for temperatures from .01 to 1 and up to five ingredients."""


def _merged(targets: Targets) -> Float[Tensor, " B M"]:
    """Weights, those of an index that occurs twice in a row added up."""
    index, weight = targets
    first = (index[:, :, None] == index[:, None, :]).int().argmax(2)
    return torch.zeros_like(weight, dtype=torch.float64).scatter_add(1, first, weight.double())


def regression_bounds(key: Float[Tensor, " K p"], targets: Targets) -> Bounds:
    """Bounds of ``2 - 2 s(g(f_i), F v_i)`` for the keys as they are: a query can at best point along its target.

    A mixture of keys is shorter than 1 the more they differ, so the floor of i-Mix is above 0 as long as keys have
    not become one.
    """
    index, weight = targets
    target = (weight[:, :, None] * key[index]).sum(1)
    return Bounds(float((2 - 2 * target.norm(dim=1)).mean()), 2.0)
