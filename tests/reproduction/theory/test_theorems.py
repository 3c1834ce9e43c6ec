"""Test the checks of the theorems, and the networks and complexities that they are measured with."""

import itertools
import math

import pytest
import torch

from contramix.reproduction.theory import Check, complexity, verify
from contramix.reproduction.theory.networks import unit_vectors
from contramix.runtime.randomness import Key


@pytest.fixture(scope="module")
def found():
    return verify(1)


def test_all_come_out_as_they_should(found):
    assert [check for check in found if not check.ok] == []
    assert {check.theorem for check in found} >= {"DACL 1", "DACL 1, 3 classes", "DACL 1, 4 classes", "DACL 3"}


def test_misprints_are_found_failing_by_far(found):
    failing = {check.statement: check for check in found if check.expected == "fails"}
    printed = [c for s, c in failing.items() if "||x||" in s]
    assert [1.9 < c.measured < 2.2 for c in printed] == [True]
    assert failing["the same as printed, the remainder over all data (D_x for D_y)"].measured > 1e-6
    assert not any(check.holds for check in failing.values())


@pytest.mark.parametrize(
    ("measured", "relation", "bound", "expected", "ok"),
    [
        ([1.0, 3.0], "<=", 2.0, "holds", False),
        ([1.0, 2.0], "<=", 2.0, "holds", True),
        ([1.0, 3.0], ">=", 2.0, "holds", False),
        ([1.0, 3.0], "<=", 2.0, "fails", False),
        ([2.5, 3.0], "<=", 2.0, "fails", True),
        ([1.0, 3.0], ">=", 2.0, "fails", False),
        ([1.0, math.nan], "<=", 2.0, "holds", False),
        ([3.0, math.nan], "<=", 2.0, "fails", False),
    ],
)
def test_a_check_is_judged_by_its_worst_setting(measured, relation, bound, expected, ok):
    assert Check.from_measurements("", "", "", measured, relation, bound, expected).ok is ok


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


def test_networks_differ_and_are_unit_vectors():
    x = torch.randn(30, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for h in unit_vectors(4, Key(0)).values():
        z = h(x)
        assert torch.allclose(z.norm(dim=1), torch.ones(30, dtype=torch.float64))
        assert float(z.std(0).mean()) > 0.05  # an identity of constants would say nothing
