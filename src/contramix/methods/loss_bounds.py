"""Compute the smallest possible value of a contrastive loss, and its value for an untrained network."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.types import Targets


class Bounds(NamedTuple):
    """Collect two values to which a loss in training can be compared: the smallest possible one and the chance level.

    ``floor`` is the smallest loss that any network can reach. ``chance`` is the loss if every query is orthogonal to
    all keys, as when nothing has been learned.
    """

    floor: float
    chance: float


def nce_bounds(targets: Targets, temperature: float, rows: int, copies: int = 1) -> Bounds:
    r"""Compute the floor and the chance level of the InfoNCE loss with soft labels.

    The chance level is the loss if all similarities are 0: the logarithm of the number of keys that a query is compared
    with.

    The floor is the smallest expected loss that unit vectors of any dimension can reach, if keys do not depend on the
    drawn mixtures. The optimal keys form a regular simplex: any two of them have the inner product -1 / (n - 1). The
    similarities of a query to the n keys then sum to zero and have a norm of at most sqrt(n / (n - 1)). The
    similarities that minimize the loss under these constraints are found by projected gradient descent. If every query
    matches one key only, the floor is ``log(1 + (n - 1) exp(-n / ((n - 1) tau)))`` (Graf et al., ICML 2021, theorem 2).

    Parameters
    ----------
    targets
        Soft labels of a sample of queries, over which the bounds are averaged.
    temperature
        Temperature tau > 0 of the loss.
    rows
        Number n of distinct samples among the keys.
    copies
        Number of keys of each sample that does not occur in a query's label: 2 for SimCLR, where both views are keys,
        else 1.

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
"""Number of gradient steps: enough for an error of about 1e-4 at temperatures .01 to 1 and up to five sources."""


def _merged(targets: Targets) -> Float[Tensor, " B M"]:
    """Return the weights of soft labels after merging repeated indices.

    If an index occurs several times in a row of ``targets.index``, its first occurrence gets the sum of the weights,
    and the other occurrences get 0.
    """
    index, weight = targets
    first = (index[:, :, None] == index[:, None, :]).int().argmax(2)
    return torch.zeros_like(weight, dtype=torch.float64).scatter_add(1, first, weight.double())


def regression_bounds(key: Float[Tensor, " K p"], targets: Targets) -> Bounds:
    """Compute the floor and the chance level of BYOL's loss for the given keys.

    The loss is ``2 - 2 * (inner product of a query and its target)``, where the target is the weighted sum of the keys
    that the query should match. The chance level is 2: query and target are orthogonal. The floor is reached if each
    query is parallel to its target. A sum of several different keys is shorter than 1, therefore the floor is above 0
    with i-Mix.
    """
    index, weight = targets
    target = (weight[:, :, None] * key[index]).sum(1)
    return Bounds(float((2 - 2 * target.norm(dim=1)).mean()), 2.0)
