"""Test that networks differ and map to unit vectors."""

import torch

from contramix.reproduction.theory.networks import unit_vectors
from contramix.runtime.randomness import Key


def test_networks_differ_and_are_unit_vectors():
    x = torch.randn(30, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for h in unit_vectors(4, Key(0)).values():
        z = h(x)
        assert torch.allclose(z.norm(dim=1), torch.ones(30, dtype=torch.float64))
        assert float(z.std(0).mean()) > 0.05  # an identity of constants would say nothing
