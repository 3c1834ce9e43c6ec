"""Test the similarity of views at the input with known values of noises, and category codes as one-hot vectors."""

import numpy as np
import pytest
import torch

from contramix.mixing.binary import Binary
from contramix.monitoring.view_similarity import ViewSimilarity
from contramix.noise.gaussian import Gaussian
from contramix.noise.marginal import Marginal
from contramix.noise.mixup import MixupNoise


def views(noise, x, layout=None):
    return noise(x, generator=torch.Generator().manual_seed(1), layout=layout, pool=x)


@pytest.fixture
def normal():
    x = torch.randn(2000, 60, generator=torch.Generator().manual_seed(0))
    return x * torch.linspace(0.1, 1000, 60) + 5000  # columns of any scale and place


@pytest.mark.parametrize(
    ("noise", "cosine"),
    [
        (MixupNoise(alpha=0.9), 0.996),
        (MixupNoise(operators=(Binary(),), keep_prob=0.1), 0.01),
        (MixupNoise(operators=(Binary(),), keep_prob=0.7), 0.49),
        (Marginal(rate=0.6, views="one"), 0.4),
        (Marginal(rate=0.6, views="both"), 0.16),
    ],
)
def test_noises_leave_the_cosines_that_are_known_of_them(normal, noise, cosine):
    assert ViewSimilarity(normal)(*views(noise, normal)) == pytest.approx(cosine, abs=0.02 if cosine < 0.9 else 0.001)


def test_gaussian_noise_leaves_the_share_of_the_signals_variance():
    x = torch.randn(2000, 60, generator=torch.Generator().manual_seed(0))
    assert ViewSimilarity(x)(*views(Gaussian(std=1.0), x)) == pytest.approx(0.5, abs=0.02)
    assert ViewSimilarity(x)(*views(Gaussian(std=0.0), x)) == pytest.approx(1)


def test_each_column_counts_alike_with_codes_as_one_hot_vectors(mixed_rows, mixed_layout):
    first, second = views(Marginal(rate=0.5, views="both"), mixed_rows, mixed_layout)

    def spread_out(x):
        """Units side by side, codes as one-hot vectors of the levels there may be."""
        units = []
        for unit in range(mixed_layout.units):
            at = (mixed_layout.unit == unit).nonzero()[:, 0].tolist()
            part = x[:, at].double().numpy()
            if any(mixed_layout.code[a] for a in at):
                part = np.eye(50)[part[:, 0].astype(int)]
            units.append(part)
        return units

    clean = spread_out(mixed_rows)
    scale = [np.sqrt(part.var(0).sum()) for part in clean]
    assert min(scale) > 0
    a, b = (
        np.concatenate([(p - c.mean(0)) / s for p, c, s in zip(spread_out(view), clean, scale)], 1)
        for view in (first, second)
    )
    want = np.mean((a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1)))
    assert 0.1 < want < 0.9
    assert ViewSimilarity(mixed_rows, mixed_layout)(first, second) == pytest.approx(want, abs=1e-6)


def test_what_does_not_vary_is_left_out_and_unseen_levels_are_none_of_the_known(mixed_rows, mixed_layout):
    x = mixed_rows.clone()
    x[:, 0] = 3.7
    x[:, 21] = 1.0
    other = x.clone()
    other[:, 0] = -50.0
    other[:, 21] = 7.0
    assert ViewSimilarity(x, mixed_layout)(x, other) == pytest.approx(1)
    other = mixed_rows.clone()
    other[:, 21] = 999.0
    assert ViewSimilarity(mixed_rows, mixed_layout)(mixed_rows, other) < 0.99
