"""Draw mixing weights and partners for the samples of a batch.

Row i of a result belongs to sample i. Column 0 of weights belongs to the sample itself, the others to its partners.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.errors import InputError


def uniform(n: int, low: float, generator: torch.Generator) -> Float[Tensor, " n 2"]:
    """Draw weights of shape (n, 2): lambda ~ U(low, 1) for the sample and 1 - lambda for its partner.

    DACL uses such weights for linear and geometric mixing.
    """
    own = low + (1 - low) * torch.rand(n, generator=generator, device=generator.device)
    return torch.stack([own, 1 - own], 1)


def constant(n: int, own: float, device: torch.device | str) -> Float[Tensor, " n 2"]:
    """Return weights of shape (n, 2): ``own`` for every sample and 1 - ``own`` for its partner."""
    mine = torch.full((n,), own, device=device)
    return torch.stack([mine, 1 - mine], 1)


def dirichlet(n: int, partners: int, alpha: float, fold: bool, generator: torch.Generator) -> Float[Tensor, " n K"]:
    """Draw weights of shape (n, partners + 1) for a sample and its partners from Dirichlet(alpha, ..., alpha).

    Column 0 holds the weights of the samples themselves. With one partner the distribution is Beta(alpha, alpha). If
    ``fold`` is True, the weight of the sample itself is at least 1/2, as in the authors' code of i-Mix: with one
    partner it is max(lambda, 1 - lambda); with several, all drawn weights are halved and 1/2 is added to that of the
    sample.
    """
    concentration = torch.full((n, partners + 1), alpha, device=generator.device)
    # torch.distributions uses the global generator only; this is the sampler that it calls.
    weight = torch._sample_dirichlet(concentration, generator=generator)
    if not fold:
        return weight
    if partners == 1:
        return weight.sort(1, descending=True).values
    weight = weight / 2
    weight[:, 0] += 0.5
    return weight


def any_partner(n: int, partners: int, generator: torch.Generator) -> Int[Tensor, " n P"]:
    """Draw indices of each sample's partners: column p is a random permutation of the n samples.

    As in i-Mix, a sample may be its own partner.
    """
    return torch.stack([torch.randperm(n, generator=generator, device=generator.device) for _ in range(partners)], 1)


def other_partner(n: int, generator: torch.Generator) -> Int[Tensor, " n 1"]:
    """Draw the index of a partner for each sample uniformly from the other n - 1 samples, as in DACL's Algorithm 1.

    Raises
    ------
    InputError
        If n < 2.
    """
    if n < 2:
        raise InputError("mixup noise needs at least two samples in a batch, so that each has a partner")
    shift = torch.randint(1, n, (n,), generator=generator, device=generator.device)
    return ((torch.arange(n, device=generator.device) + shift) % n)[:, None]
