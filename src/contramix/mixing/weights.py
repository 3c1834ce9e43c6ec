"""Draw mixing weights and partners. Row k of a result belongs to sample k, with the sample's own weight first."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.errors import InputError


def uniform(n: int, low: float, generator: torch.Generator) -> Float[Tensor, " n 2"]:
    """Draw lambda ~ U(low, 1), as DACL does for linear and geometric mixing."""
    own = low + (1 - low) * torch.rand(n, generator=generator, device=generator.device)
    return torch.stack([own, 1 - own], 1)


def constant(n: int, own: float, device: torch.device | str) -> Float[Tensor, " n 2"]:
    """Return the same weight for every sample; DACL's binary mixing keeps each element with probability rho."""
    mine = torch.full((n,), own, device=device)
    return torch.stack([mine, 1 - mine], 1)


def dirichlet(n: int, partners: int, alpha: float, fold: bool, generator: torch.Generator) -> Float[Tensor, " n K"]:
    """Draw weights from Dirichlet(alpha, ..., alpha) over a sample and its partners; Beta(alpha, alpha) for one.

    With ``fold`` the sample's own weight is at least 1/2: max(lambda, 1 - lambda) for one partner, and
    1/2 + 1/2 Dirichlet for several (``pmin`` in the published code).
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
    """Draw partners by independent permutations of the batch; as in i-Mix, a sample may be its own partner."""
    return torch.stack([torch.randperm(n, generator=generator, device=generator.device) for _ in range(partners)], 1)


def other_partner(n: int, generator: torch.Generator) -> Int[Tensor, " n 1"]:
    """Draw a partner for each sample from the rest of the batch, as in DACL's Algorithm 1.

    Raises
    ------
    InputError
        If the batch holds fewer than two samples.
    """
    if n < 2:
        raise InputError("mixup noise needs at least two samples in a batch, so that each has a partner")
    shift = torch.randint(1, n, (n,), generator=generator, device=generator.device)
    return ((torch.arange(n, device=generator.device) + shift) % n)[:, None]
