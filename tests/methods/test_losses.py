"""Compare each loss with a literal loop over Python floats (in conftest), and with its numerical gradient."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from contramix.methods.losses import info_nce, own_key_nce, regression
from contramix.types import Mixture, Targets

partnered = pytest.mark.parametrize("partners", [0, 1, 2, 4])


def unit(n: int, d: int, seed: int) -> torch.Tensor:
    return normalize(torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)), dim=1)


def targets(n: int, keys: int, partners: int, seed: int = 0) -> Targets:
    """Random soft labels; among them samples that were mixed with themselves."""
    if not partners:
        return Targets(torch.arange(n)[:, None], torch.ones(n, 1).double())
    g = torch.Generator().manual_seed(seed)
    partner = torch.randint(keys, (n, partners), generator=g)
    partner[: n // 3] = torch.arange(n // 3)[:, None]
    weight = torch.rand(n, partners + 1, generator=g, dtype=torch.float64)
    return Targets(torch.cat([torch.arange(n)[:, None], partner], 1), weight / weight.sum(1, keepdim=True))


# Where B = M = d, a weight broadcast along the wrong axis would go unnoticed by the shapes alone.
@partnered
@pytest.mark.parametrize(("n", "keys", "d"), [(6, 6, 4), (6, 9, 4), (5, 5, 5), (2, 2, 2)])
def test_info_nce_is_the_double_loop(partners, n, keys, d, loops):
    q, k, t = unit(n, d, 1), unit(keys, d, 2), targets(n, keys, partners)
    want = loops.info_nce(q, k, t.index, t.weight, 0.2)
    assert info_nce(q, k, t, 0.2).item() == pytest.approx(want, abs=1e-10)


@partnered
@pytest.mark.parametrize("queue", [1, 7])
def test_info_nce_with_a_queue_is_the_double_loop(partners, queue, loops):
    q, k, mu, t = unit(6, 4, 1), unit(6, 4, 2), unit(queue, 4, 3), targets(6, 6, partners)
    want = loops.info_nce(q, k, t.index, t.weight, 0.1, queue=mu)
    assert info_nce(q, k, t, 0.1, queue=mu).item() == pytest.approx(want, abs=1e-10)
    assert want > loops.info_nce(q, k, t.index, t.weight, 0.1)


@partnered
@pytest.mark.parametrize("queue", [0, 5])
def test_info_nce_with_excluded_keys_is_the_double_loop(partners, queue, loops):
    n = 5
    q, k, t = unit(n, 4, 1), unit(2 * n, 4, 2), targets(n, n, partners)
    out = t.index + n  # never a target; duplicates where a sample was mixed with itself
    mu = unit(queue, 4, 3) if queue else None
    want = loops.info_nce(q, k, t.index, t.weight, 0.5, queue=() if mu is None else mu, exclude=out)
    assert info_nce(q, k, t, 0.5, queue=mu, exclude=out).item() == pytest.approx(want, abs=1e-10)
    assert want < loops.info_nce(q, k, t.index, t.weight, 0.5, queue=() if mu is None else mu)


@partnered
def test_regression_is_the_double_loop(partners, loops):
    q, k, t = unit(6, 4, 1), unit(9, 4, 2), targets(6, 9, partners)
    want = loops.regression(q, k, t.index, t.weight)
    assert regression(q, k, t).item() == pytest.approx(want, abs=1e-10)


def test_own_key_nce_is_the_double_loop():
    """MoCo v2: -log e^{s(f_i, k_i)/tau} / (e^{same} + sum_j e^{s(f_i, mu_j)/tau})."""
    q, k, mu, tau = unit(6, 4, 1), unit(6, 4, 2), unit(7, 4, 3), 0.2
    want = 0.0
    for i in range(6):
        own = sum(a * b for a, b in zip(q[i].tolist(), k[i].tolist())) / tau
        others = [sum(a * b for a, b in zip(q[i].tolist(), m.tolist())) / tau for m in mu]
        want -= own - math.log(math.exp(own) + sum(map(math.exp, others)))
    assert own_key_nce(q, k, mu, tau).item() == pytest.approx(want / 6, abs=1e-10)


@partnered
def test_gradients_are_those_of_finite_differences(partners):
    q, k, mu = (unit(n, 3, s).requires_grad_() for n, s in ((3, 1), (6, 2), (4, 3)))
    t = targets(3, 3, partners)
    assert torch.autograd.gradcheck(lambda a, b: info_nce(a, b, t, 0.3), (q, k))
    assert torch.autograd.gradcheck(lambda a, b, c: info_nce(a, b, t, 0.3, queue=c), (q, k, mu))
    assert torch.autograd.gradcheck(lambda a, b: info_nce(a, b, t, 0.3, exclude=t.index + 3), (q, k))
    assert torch.autograd.gradcheck(lambda a, b: regression(a, b, t), (q, k))
    assert torch.autograd.gradcheck(lambda a, b, c: own_key_nce(a, b[:3], c, 0.3), (q, k, mu))


def test_cross_entropy_of_a_mixed_label_is_the_mixture_of_two():
    """methods.md A.1: exact, also where a sample was mixed with itself."""
    q, k, tau = unit(8, 5, 1), unit(8, 5, 2), 0.2
    lam = torch.rand(8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    perm = torch.tensor([3, 1, 0, 2, 7, 5, 4, 6])
    soft = Targets(torch.stack([torch.arange(8), perm], 1), torch.stack([lam, 1 - lam], 1))
    logits = q @ k.T / tau
    own, other = (cross_entropy(logits, i, reduction="none") for i in (torch.arange(8), perm))
    dense = torch.zeros(8, 8).double().scatter_add(1, soft.index, soft.weight)
    loss = info_nce(q, k, soft, tau).item()
    assert loss == pytest.approx((lam * own + (1 - lam) * other).mean().item(), abs=1e-12)
    assert loss == pytest.approx(cross_entropy(logits, dense).item(), abs=1e-12)


# Vectors in the plane, as angles; all cosines can be written down.
QUERY, KEY, QUEUE = (0.0, 1.1, 2.0), (0.2, 0.9, -0.7), (2.5, 4.0)
LAM, PERM = (0.7, 0.6, 1.0), (2, 0, 1)


def plane(angles: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor([[math.cos(a), math.sin(a)] for a in angles], dtype=torch.float64)


def soft() -> Targets:
    return Targets(
        torch.tensor([[i, j] for i, j in enumerate(PERM)]), torch.tensor([[w, 1 - w] for w in LAM], dtype=torch.float64)
    )


def test_published_formula_of_npair():
    tau, want = 0.1, 0.0
    for i, a in enumerate(QUERY):
        e = [math.exp(math.cos(a - b) / tau) for b in KEY]
        want += -LAM[i] * math.log(e[i] / sum(e)) - (1 - LAM[i]) * math.log(e[PERM[i]] / sum(e))
    assert info_nce(plane(QUERY), plane(KEY), soft(), tau).item() == pytest.approx(want / 3, abs=1e-10)


def test_published_formulas_of_moco():
    tau, original, revised = 0.2, 0.0, 0.0
    for i, a in enumerate(QUERY):
        e = [math.exp(math.cos(a - b) / tau) for b in KEY]
        mu = sum(math.exp(math.cos(a - b) / tau) for b in QUEUE)
        original -= math.log(e[i] / (e[i] + mu))
        revised -= LAM[i] * math.log(e[i] / (sum(e) + mu)) + (1 - LAM[i]) * math.log(e[PERM[i]] / (sum(e) + mu))
    q, k, mu = plane(QUERY), plane(KEY), plane(QUEUE)
    assert own_key_nce(q, k, mu, tau).item() == pytest.approx(original / 3, abs=1e-10)
    assert info_nce(q, k, soft(), tau, queue=mu).item() == pytest.approx(revised / 3, abs=1e-10)


def test_published_formula_of_byol_whose_mixed_target_is_not_normalised_again():
    """lam l_i + (1 - lam) l_perm(i), with l = 2 - 2 s."""
    want = 0.0
    for i, a in enumerate(QUERY):
        want += LAM[i] * (2 - 2 * math.cos(a - KEY[i])) + (1 - LAM[i]) * (2 - 2 * math.cos(a - KEY[PERM[i]]))
    assert regression(plane(QUERY), plane(KEY), soft()).item() == pytest.approx(want / 3, abs=1e-10)


def test_a_loss_of_large_logits_is_finite():
    q = unit(4, 3, 1).float()
    assert info_nce(q, q, Targets.identity(4), 1e-4).isfinite()
    assert own_key_nce(q, q, q, 1e-4).isfinite()


def test_targets_of_a_mixture_name_the_sample_first():
    mixed = Mixture(torch.zeros(3, 2), torch.tensor([[1], [2], [0]]), torch.tensor([[0.7, 0.3]] * 3))
    t = Targets.from_mixture(mixed)
    assert t.index.tolist() == [[0, 1], [1, 2], [2, 0]]
    assert t.weight is mixed.weight
    assert Targets.identity(2).index.tolist() == [[0], [1]]
    assert Targets.identity(2).weight.tolist() == [[1.0], [1.0]]
