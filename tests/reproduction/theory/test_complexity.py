"""Compare simulated complexities with enumeration."""

import itertools

import pytest
import torch

from contramix.reproduction.theory import complexity
from contramix.runtime.randomness import Key


def test_simulated_complexity_is_that_of_all_signs(monkeypatch):
    monkeypatch.setattr(complexity, "ROWS", 8)
    x = complexity.sample_subspace(2, Key(0), unit_columns=True)
    assert torch.linalg.matrix_rank(x) == 2
    assert torch.allclose(x.square().mean(0), torch.ones(50, dtype=torch.float64))
    signs = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=8)), dtype=torch.float64)
    pseudo = torch.linalg.pinv(x.T @ x / 8, hermitian=True)
    sums = signs @ x
    want = float(((sums @ pseudo) * sums).sum(1).clamp(min=0).sqrt().mean() / 8)
    mixup, gaussian = complexity.simulate(x, Key(1))
    assert mixup.mean == pytest.approx(want, abs=4 * mixup.error)
    assert gaussian.mean == pytest.approx(float(sums.norm(dim=1).mean() / 8), abs=4 * gaussian.error)
