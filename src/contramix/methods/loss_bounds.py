"""Compute the range of a loss: the floor that no network can undercut, and the value at chance."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.types import Targets


class Bounds(NamedTuple):
    """Hold the smallest possible value of a batch's loss, and its value at chance."""

    floor: float
    chance: float
    """Loss of queries that are orthogonal to all keys."""


def nce_bounds(targets: Targets, temperature: float, rows: int, copies: int = 1) -> Bounds:
    r"""Compute the bounds of a cross-entropy with soft labels over unit vectors.

    The floor is the smallest expected loss of any unit vectors in any dimension, given that keys do not know which rows
    they will be mixed with. The optimal keys form a regular simplex, s(k, k') = -1 / (n - 1), which attains Fenchel's
    bound ``sum_m w_m s_m - tau H``. What remains is a convex problem in a query's similarities s, which sum to zero
    over the rows and have a norm of at most sqrt(n / (n - 1)). For plain labels the result is
    ``log(1 + (n - 1) exp(-n / ((n - 1) tau)))`` (Graf et al., ICML 2021, theorem 2).

    Parameters
    ----------
    targets
        Soft labels of some queries. Only the weights matter, and which indices are equal.
    temperature
        tau > 0.
    rows
        Number n of distinct samples among the keys.
    copies
        Number of keys of each row that is not in a query's label (2 for SimCLR: both views).

    Examples
    --------
    >>> floor, chance = nce_bounds(Targets.identity(3), 1.0, rows=3)
    >>> round(floor, 4), round(math.log(1 + 2 * math.exp(-1.5)), 4), round(chance, 4)
    (0.369, 0.369, 1.0986)
    """
    w = _merged(targets)
    real = w > 0
    rest = rows - real.double().sum(1, keepdim=True)
    log_keys = (copies * rest).log()  # of all other rows together; -inf if there are none
    # The unknowns are each query's similarity to the keys in its label, s, and to every other key, s0. Projected
    # gradient descent with step 2 tau^2 starts at the optimum of a batch without other keys.
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
"""Number of gradient steps; the floor is then exact to about 1e-4 for temperatures .01 to 1 and up to five sources."""


def _merged(targets: Targets) -> Float[Tensor, " B M"]:
    """Return the weights, with those of an index that occurs twice in a row added up."""
    index, weight = targets
    first = (index[:, :, None] == index[:, None, :]).int().argmax(2)
    return torch.zeros_like(weight, dtype=torch.float64).scatter_add(1, first, weight.double())


def regression_bounds(key: Float[Tensor, " K p"], targets: Targets) -> Bounds:
    """Compute the bounds of ``2 - 2 s(g(f_i), F v_i)`` for given keys, reached when each query points along its target.

    The norm of a mixture of keys is below 1 unless the keys are equal, so the floor with i-Mix is above 0 until the
    keys collapse.
    """
    index, weight = targets
    target = (weight[:, :, None] * key[index]).sum(1)
    return Bounds(float((2 - 2 * target.norm(dim=1)).mean()), 2.0)
