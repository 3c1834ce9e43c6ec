"""Check the expansions of Theorem 2 at valid points, and find a planted error."""

import pytest
import torch

from contramix.reproduction.theory import regularizers
from contramix.reproduction.theory.networks import Layers, scalar
from contramix.runtime.randomness import Key


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


@pytest.mark.parametrize(
    ("power", "statement"),
    [(1, "c2 with ||x||^2: order of remainder"), (2, "c2 as printed, with ||x||: order of remainder")],
    ids=["the misprint everywhere", "the misprint nowhere"],
)
def test_another_coefficient_is_found(monkeypatch, power, statement):
    right = regularizers.theorem_expansion
    monkeypatch.setattr(regularizers, "theorem_expansion", lambda at, rows, _, alpha: right(at, rows, power, alpha))
    assert {check.statement for check in regularizers.checks(1) if not check.ok} == {statement}
