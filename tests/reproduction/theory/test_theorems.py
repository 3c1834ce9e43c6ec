"""The checks hold for other seeds than the command's; what they compute is held against literal loops and closed forms;
a planted error is found."""

import itertools
import math

import pytest
import torch
from torch.nn.functional import normalize, softplus

from contramix.mixing.linear import Linear
from contramix.reproduction.theory import Check, complexity, identity, regularizers, verify
from contramix.reproduction.theory.networks import Layers, scalar, unit_vectors
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
    views = identity.every_mixture(Linear(), x)
    want = [[x[i] + a * (x[j] - x[i]) for a in identity.ALPHAS for j in range(4)] for i in range(4)]
    assert torch.allclose(views, torch.stack([torch.stack(row) for row in want]), atol=1e-15)


def test_several_classes_are_pairs_of_classes():
    z, y = encoded(6, 2), torch.tensor([0, 1, 2, 2, 0, 3])
    left, right = identity.several_class_sides(z, y)
    assert left == pytest.approx(right, abs=1e-14)
    two = torch.tensor([0, 1, 1, 0, 0, 1])
    assert identity.several_class_sides(z, two)[1] == pytest.approx(identity.two_class_sides(z, two)[1], abs=1e-14)


def test_points_are_those_whose_units_do_not_switch():
    key = Key("test", 0)
    rows, layers = regularizers.data(key.at("data")), Layers((3, 8, 8, 1), key.at("weights"))
    inside = regularizers.on_linear_piece(layers, rows, regularizers.mixup(rows))
    assert 0 < int(inside.sum()) < len(rows)
    f = scalar(layers)
    views, weight = regularizers.mixup(rows)(rows, regularizers.ALPHAS[0])
    assert torch.allclose(views[3, 7], rows[3] + regularizers.ALPHAS[0] * (rows[7] - rows[3]), atol=1e-15)
    assert float(weight.sum()) == pytest.approx(1)
    # Linear over a piece, so the mean over partners, which have mean 0, is f at the shrunken point.
    mean = f(views.flatten(0, 1)).reshape(views.shape[:2]).mean(1)
    off = (mean - (1 - regularizers.ALPHAS[0]) * f(rows)).abs()
    assert float(off[inside].max()) < 1e-12
    assert float(off[~inside].max()) > 1e-6


def test_quadrature_has_the_moments_of_gaussian_noise():
    views, weight = regularizers.gaussian(torch.zeros(1, 3, dtype=torch.float64), 0.5)
    z = views[0]
    assert torch.allclose(weight @ z, torch.zeros(3, dtype=torch.float64), atol=1e-14)
    assert torch.allclose(z.T @ (weight[:, None] * z), 0.25 * torch.eye(3, dtype=torch.float64), atol=1e-13)
    assert float(weight @ z[:, 0] ** 4) == pytest.approx(3 * 0.5**4)


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


@pytest.mark.parametrize(
    ("power", "statement"),
    [(1, "c2 with ||x||^2: order of remainder"), (2, "c2 as printed, with ||x||: order of remainder")],
    ids=["the misprint everywhere", "the misprint nowhere"],
)
def test_another_coefficient_is_found(monkeypatch, power, statement):
    right = regularizers.theorem_expansion
    monkeypatch.setattr(regularizers, "theorem_expansion", lambda at, rows, _, alpha: right(at, rows, power, alpha))
    assert {check.statement for check in regularizers.checks(1) if not check.ok} == {statement}


def test_a_wrong_loss_of_the_package_is_found(monkeypatch):
    right = identity.own_key_nce
    monkeypatch.setattr(identity, "NOISES", {name: identity.NOISES[name] for name in ("binary", "Gaussian")})
    monkeypatch.setattr(identity, "own_key_nce", lambda q, k, n, t: right(q, k, n, 1.01 * t))
    assert sum(not check.ok for check in identity.checks(1)) >= 6
