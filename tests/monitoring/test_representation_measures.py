"""Compare each measure with its formula in numpy, a double loop, or scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from torch.nn.functional import normalize

from contramix.monitoring import representation_measures


def rows(n=60, d=12, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed)) * torch.arange(1, d + 1)


@pytest.mark.parametrize("shape", [(60, 12), (9, 40)])
def test_effective_rank_is_the_entropy_of_singular_values(shape):
    z = rows(*shape)
    values = np.linalg.svd(z.double().numpy(), compute_uv=False)
    p = values / values.sum()
    assert representation_measures.rankme(z) == pytest.approx(math.exp(-(p * np.log(p)).sum()), rel=1e-6)


def test_effective_rank_counts_directions():
    directions = rows(3, 50)
    mixed = torch.rand(200, 3, generator=torch.Generator().manual_seed(1)) @ directions
    assert 1 < representation_measures.rankme(mixed) <= 3.001
    assert representation_measures.rankme(torch.ones(200, 50)) == pytest.approx(1, abs=1e-4)
    assert representation_measures.rankme(torch.zeros(200, 50)) == pytest.approx(1)


def test_alignment_and_uniformity_are_the_loops():
    u, v = normalize(rows(20), dim=1), normalize(rows(20, seed=1), dim=1)
    squares = [sum((a - b) ** 2 for a, b in zip(p, q)) for p, q in zip(u.tolist(), v.tolist())]
    assert representation_measures.alignment(u, v) == pytest.approx(np.mean(squares), rel=1e-5)
    pairs = [
        math.exp(-2 * sum((a - b) ** 2 for a, b in zip(p, q)))
        for i, p in enumerate(u.tolist())
        for j, q in enumerate(u.tolist())
        if i != j
    ]
    assert representation_measures.uniformity(u) == pytest.approx(math.log(np.mean(pairs)), rel=1e-5)


def test_uniformity_is_0_for_one_point_and_about_minus_4_for_a_sphere():
    assert representation_measures.uniformity(normalize(torch.ones(30, 8), dim=1)) == pytest.approx(0, abs=1e-5)
    sphere = normalize(torch.randn(500, 2000, generator=torch.Generator().manual_seed(0)), dim=1)
    assert representation_measures.uniformity(sphere) == pytest.approx(-4, abs=0.02)


def test_feature_std_is_1_for_all_directions_alike_and_0_for_one():
    everywhere = torch.randn(4000, 64, generator=torch.Generator().manual_seed(0))
    assert representation_measures.feature_std(everywhere) == pytest.approx(1, abs=0.01)
    assert representation_measures.feature_std(7 * everywhere) == pytest.approx(
        representation_measures.feature_std(everywhere), rel=1e-5
    )
    lengths = torch.rand(50, 1, generator=torch.Generator().manual_seed(0)) + 0.1
    assert representation_measures.feature_std(lengths * rows(1)) == pytest.approx(0, abs=1e-5)


def test_dead_units_are_those_that_do_not_vary_whatever_the_scale():
    for scale in (1e-4, 1.0, 1e5):
        z = scale * rows(100, 6)
        z[:, 2] = 0
        z[:, 4] = 1.2345 * scale
        z[:, 5] *= 1e-3  # small, but alive
        assert representation_measures.dead_units(z).tolist() == [False, False, True, False, True, False]
    assert bool(representation_measures.dead_units(torch.full((10, 3), 0.1)).all())


def test_centred_cosine_is_the_correlation_seen_from_a_point():
    u, v, mean = rows(30), rows(30, seed=1), rows(1, seed=2)[0]
    want = []
    for a, b in zip((u - mean).double().numpy(), (v - mean).double().numpy()):
        want.append(a @ b / np.sqrt(a @ a * (b @ b)))
    assert representation_measures.centered_cosine(u, v, mean) == pytest.approx(np.mean(want), rel=1e-5)


@pytest.mark.parametrize("kind", ["classes", "quantity"])
def test_knn_score_is_scikit_learns_with_each_row_left_out(kind):
    z = rows(60)
    z[:, 3] = 5.0  # constant: standardised to nothing
    y = (z[:, 0] > 0).long() * 2 if kind == "classes" else z[:, 0] + z[:, 11]
    scaled = (z - z.mean(0)).double().numpy() / np.where(z.std(0, correction=0) > 0, z.std(0, correction=0), np.inf)
    model = KNeighborsClassifier(5) if kind == "classes" else KNeighborsRegressor(5)
    predicted = []
    for i in range(len(z)):
        others = np.arange(len(z)) != i
        predicted.append(model.fit(scaled[others], y.numpy()[others]).predict(scaled[i : i + 1])[0])
    if kind == "classes":
        want = np.mean(np.array(predicted) == y.numpy())
        assert 0.5 < want < 1
    else:
        want = 1 - np.mean((np.array(predicted) - y.numpy()) ** 2) / np.var(y.numpy())
    assert representation_measures.knn_score(z, y) == pytest.approx(want, abs=1e-6)
