"""Compare the distributions of mixing weights with their moments, and test partners."""

import math

import pytest
import torch

from contramix.mixing import weights

MANY = 100_000


@pytest.mark.parametrize(("alpha", "mean"), [(1.0, 0.75), (2.0, 0.6875)])
def test_the_folded_beta_has_the_published_mean(alpha, mean, generator):
    own = weights.dirichlet(MANY, 1, alpha, True, generator)[:, 0]
    assert own.mean().item() == pytest.approx(mean, abs=0.003)
    assert own.min() >= 0.5


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.0, 8.0])
@pytest.mark.parametrize("partners", [1, 2, 4])
def test_unfolded_weights_are_dirichlet(alpha, partners, generator):
    w = weights.dirichlet(MANY, partners, alpha, False, generator).double()
    k = partners + 1
    torch.testing.assert_close(w.sum(1), torch.ones(MANY).double(), atol=1e-6, rtol=0)
    assert (w >= 0).all()
    variance = (k - 1) / (k**2 * (k * alpha + 1))
    for m in range(k):
        assert w[:, m].mean().item() == pytest.approx(1 / k, abs=5 * math.sqrt(variance / MANY))
        assert w[:, m].var().item() == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize("partners", [2, 4])
def test_several_partners_folded_are_half_and_half_a_dirichlet(partners, generator):
    """The published code's pmin = 0.5: 0.5 Dirichlet over all, and 0.5 on the sample itself."""
    w = weights.dirichlet(MANY, partners, 1.0, True, generator).double()
    k = partners + 1
    assert w[:, 0].min() >= 0.5
    torch.testing.assert_close(w.sum(1), torch.ones(MANY).double(), atol=1e-6, rtol=0)
    assert w[:, 0].mean().item() == pytest.approx(0.5 + 0.5 / k, abs=0.003)
    for m in range(1, k):
        assert w[:, m].mean().item() == pytest.approx(0.5 / k, abs=0.003)


def test_uniform_lies_between_low_and_one(generator):
    w = weights.uniform(MANY, 0.6, generator)
    assert w[:, 0].min() >= 0.6
    assert w[:, 0].max() <= 1
    assert w[:, 0].mean().item() == pytest.approx(0.8, abs=0.002)
    assert w[:, 0].var().item() == pytest.approx(0.4**2 / 12, rel=0.03)
    assert torch.equal(w[:, 1], 1 - w[:, 0])


def test_constant_weights():
    w = weights.constant(3, 0.7, "cpu")
    torch.testing.assert_close(w, torch.tensor([[0.7, 0.3]] * 3))


def test_another_partner_is_never_the_sample_and_is_uniform(generator):
    n, repeats = 5, 4000
    counts = torch.zeros(n, n)
    for _ in range(repeats):
        partner = weights.other_partner(n, generator)
        assert partner.shape == (n, 1)
        counts[torch.arange(n), partner[:, 0]] += 1
    assert counts.diagonal().sum() == 0
    off = counts[~torch.eye(n, dtype=torch.bool)]
    assert (off - repeats / (n - 1)).abs().max() < 5 * math.sqrt(repeats * 0.25 * 0.75)


def test_another_partner_may_be_anothers_too(generator):
    drawn = [weights.other_partner(6, generator)[:, 0].tolist() for _ in range(50)]
    assert any(len(set(row)) < 6 for row in drawn)  # no permutation: Algorithm 1 draws for each sample


def test_one_sample_has_no_other(generator):
    with pytest.raises(ValueError, match="two samples"):
        weights.other_partner(1, generator)
    assert weights.other_partner(2, generator)[:, 0].tolist() == [1, 0]


def test_any_partners_are_independent_permutations(generator):
    partner = weights.any_partner(50, 3, generator)
    assert partner.shape == (50, 3)
    for p in range(3):
        assert sorted(partner[:, p].tolist()) == list(range(50))
    assert len({tuple(partner[:, p].tolist()) for p in range(3)}) == 3


def test_a_permutation_keeps_one_sample_on_average(generator):
    fixed = [(weights.any_partner(20, 1, generator)[:, 0] == torch.arange(20)).sum().item() for _ in range(3000)]
    assert sum(fixed) / 3000 == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("law", [lambda g: weights.dirichlet(9, 2, 1.0, True, g), lambda g: weights.uniform(9, 0.1, g)])
def test_laws_draw_from_their_generator_only(law):
    state = torch.get_rng_state()
    a, b, c = (law(torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(a, b)
    assert not torch.equal(a, c)
    assert torch.equal(torch.get_rng_state(), state)
