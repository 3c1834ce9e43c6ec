"""Compare both sides of Theorem 1 with literal loops, and find a planted error."""

import itertools
import math

import pytest
import torch
from torch.nn.functional import normalize, softplus

from contramix.mixing.linear import Linear
from contramix.reproduction.theory import identity


def encoded(size=5, views=3, seed=0):
    x = torch.randn(size, views, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return normalize(x, dim=2)


def test_both_sides_of_theorem_1_are_the_literal_loops():
    z, y = encoded(), torch.tensor([0, 1, 1, 0, 1])
    cases = itertools.product(range(5), range(5), range(3), range(3), range(3))  # x, x-, and three noises
    losses = []
    for i, j, a, b, c in cases:
        losses.append(float(softplus(z[i, a] @ z[j, c] - z[i, a] @ z[i, b])))
    left, right, printed = identity.two_class_sides(z, y)
    assert left == pytest.approx(sum(losses) / len(losses), abs=1e-14)
    assert right == pytest.approx(left, abs=1e-14)
    assert abs(printed - left) > 1e-5


def test_the_classifier_of_theorem_1_is_linear_in_the_anchor():
    z, mine = encoded(), torch.tensor([True, False, False, False, False])
    total = 0.0
    for a, b, j, c in itertools.product(range(3), range(3), range(1, 5), range(3)):
        w = z[j, c] - z[0, b]  # class 0: the negative's sample is of class 1
        total += math.log1p(math.exp(float(w @ z[0, a])))
    assert float(identity.classification(z, mine, ~mine, 0)) == pytest.approx(total / 108, abs=1e-14)


def test_every_mixture_is_the_theorems_noise():
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    views = identity.all_mixtures(Linear(), x)
    want = [[x[i] + a * (x[j] - x[i]) for a in identity.ALPHAS for j in range(4)] for i in range(4)]
    assert torch.allclose(views, torch.stack([torch.stack(row) for row in want]), atol=1e-15)


def test_several_classes_are_pairs_of_classes():
    z, y = encoded(6, 2), torch.tensor([0, 1, 2, 2, 0, 3])
    left, right = identity.several_class_sides(z, y)
    assert left == pytest.approx(right, abs=1e-14)
    two = torch.tensor([0, 1, 1, 0, 0, 1])
    assert identity.several_class_sides(z, two)[1] == pytest.approx(identity.two_class_sides(z, two)[1], abs=1e-14)


def test_a_wrong_loss_of_the_package_is_found(monkeypatch):
    right = identity.own_key_nce
    monkeypatch.setattr(identity, "NOISES", {name: identity.NOISES[name] for name in ("binary", "Gaussian")})
    monkeypatch.setattr(identity, "own_key_nce", lambda q, k, n, t: right(q, k, n, 1.01 * t))
    assert sum(not check.ok for check in identity.checks(1)) >= 6
