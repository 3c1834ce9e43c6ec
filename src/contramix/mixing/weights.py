"""Weight laws: how much of each source a mixed sample gets. Row k of a result is sample k's, its own weight first."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.errors import InputError


def uniform(n: int, low: float, generator: torch.Generator) -> Float[Tensor, " n 2"]:
    """lambda ~ U(low, 1), the law of DACL's linear and geometric mixing."""
    own = low + (1 - low) * torch.rand(n, generator=generator, device=generator.device)
    return torch.stack([own, 1 - own], 1)


def constant(n: int, own: float, device: torch.device | str) -> Float[Tensor, " n 2"]:
    """The same weight for all: DACL's binary mixing keeps each element with probability rho."""
    mine = torch.full((n,), own, device=device)
    return torch.stack([mine, 1 - mine], 1)


def dirichlet(n: int, partners: int, alpha: float, fold: bool, generator: torch.Generator) -> Float[Tensor, " n K"]:
    """Weights ~ Dirichlet(alpha, ..., alpha) over a sample and its partners; for one partner, Beta(alpha, alpha).

    Folded, the sample's own weight is at least 1/2: by max(lambda, 1 - lambda) for one partner, and by
    1/2 + 1/2 Dirichlet for several (the published code's ``pmin``).
    """
    concentration = torch.full((n, partners + 1), alpha, device=generator.device)
    # torch.distributions draws from the global state only; this is the sampler that it calls.
    weight = torch._sample_dirichlet(concentration, generator=generator)
    if not fold:
        return weight
    if partners == 1:
        return weight.sort(1, descending=True).values
    weight = weight / 2
    weight[:, 0] += 0.5
    return weight


def any_partner(n: int, partners: int, generator: torch.Generator) -> Int[Tensor, " n P"]:
    """Independent permutations of the batch: a sample may meet itself, as in i-Mix."""
    return torch.stack([torch.randperm(n, generator=generator, device=generator.device) for _ in range(partners)], 1)


def other_partner(n: int, generator: torch.Generator) -> Int[Tensor, " n 1"]:
    """A partner drawn from the batch without the sample itself, as in DACL's Algorithm 1.

    Raises
    ------
    InputError
        If there is no other sample.
    """
    if n < 2:
        raise InputError("mixup noise needs at least two samples in a batch, to have another to mix with")
    shift = torch.randint(1, n, (n,), generator=generator, device=generator.device)
    return ((torch.arange(n, device=generator.device) + shift) % n)[:, None]
