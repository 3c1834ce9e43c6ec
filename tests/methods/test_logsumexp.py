"""Compare log-sum-exp by blocks with the dense formula: numbers, gradients and memory."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from contramix.methods.logsumexp import mean_logsumexp
from contramix.methods.losses import info_nce
from contramix.types import Targets


def dense(query, key, exclude=None, own=None):
    logits = query @ key.T
    if exclude is not None:
        logits = logits.scatter(1, exclude, -torch.inf)
    if own is not None:
        logits = torch.cat([logits, own[:, None]], 1)
    return logits.logsumexp(1).mean()


def made(n, keys, dtype=torch.float64, scale=3.0):
    g = torch.Generator().manual_seed(n + keys)
    query, key = (scale * torch.randn(rows, 6, generator=g, dtype=dtype) for rows in (n, keys))
    own = torch.randn(n, generator=g, dtype=dtype)
    return query.requires_grad_(), key.requires_grad_(), own.requires_grad_(), torch.randint(keys, (n, 2), generator=g)


@pytest.mark.parametrize("at_once", [1, 7, 30, 10**6])
@pytest.mark.parametrize("kind", ["plain", "exclude", "own", "both"])
@pytest.mark.parametrize(("n", "keys"), [(10, 10), (7, 13), (1, 5), (11, 2)])
def test_blocks_of_any_size_give_the_dense_value_and_gradients(n, keys, kind, at_once):
    query, key, own, exclude = made(n, keys)
    extra = {
        "exclude": exclude if kind in ("exclude", "both") else None,
        "own": own if kind in ("own", "both") else None,
    }
    if kind == "exclude":
        extra["exclude"] = exclude[:, :1]  # of two keys one must stay
    inputs = [query, key, *([own] if extra["own"] is not None else [])]
    want = dense(query, key, **extra)
    got = mean_logsumexp(query, key, **extra, at_once=at_once)
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)
    for a, b in zip(torch.autograd.grad(5 * got, inputs), torch.autograd.grad(5 * want, inputs)):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_gradients_are_made_for_those_that_want_one():
    query, key, own, _ = made(5, 6)
    mean_logsumexp(query, key.detach(), own=own.detach()).backward()
    assert query.grad is not None
    assert key.grad is None
    assert own.grad is None
    with torch.no_grad():
        assert not mean_logsumexp(query, key).requires_grad


def test_large_similarities_neither_overflow_nor_vanish():
    query, key, own, _ = made(6, 6, torch.float32, scale=100.0)
    torch.testing.assert_close(mean_logsumexp(query, key, own=own), dense(query, key, own=own))
    far = own.detach() - 1e6
    assert mean_logsumexp(query, key, own=far).isfinite()
    torch.testing.assert_close(mean_logsumexp(query - 0, key, own=far), dense(query, key))


class Largest(TorchDispatchMode):
    """The largest tensor that any operation made."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.numel())
        return out


@pytest.mark.parametrize("partners", [0, 1, 3])
def test_a_loss_of_many_rows_makes_nothing_as_large_as_their_square(partners):
    n, d = 4096, 16
    g = torch.Generator().manual_seed(0)
    z = [torch.nn.functional.normalize(torch.randn(n, d, generator=g), dim=1).requires_grad_() for _ in range(2)]
    weight = torch.rand(n, partners + 1, generator=g)
    targets = Targets(torch.randint(n, (n, partners + 1), generator=g), weight / weight.sum(1, keepdim=True))
    with Largest() as largest:
        info_nce(*z, targets, 0.2).backward()
    assert largest.elements <= 2**20  # n * n is 2**24
    blocks = [x.grad.clone() for x in z]
    logits = z[0] @ z[1].T / 0.2
    want = (logits.logsumexp(1) - (targets.weight * logits.gather(1, targets.index)).sum(1)).mean()
    for a, b in zip(blocks, torch.autograd.grad(want, z)):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5 * float(b.abs().max()))
