"""Compute the mean log-sum-exp of similarities without storing the N x K matrix of similarities.

Queries are processed in blocks: the similarities of a block with all keys are computed, turned into probabilities in
place, and both gradients are accumulated at once, which is possible because the mean gives every query the same
weight. The result equals the dense formula with the same number of matrix products, and memory does not grow with
N times K.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

AT_ONCE = 2**20
"""Number of similarities that are kept in memory at once: 4 MB, which fits in a CPU cache."""


def mean_logsumexp(
    query: Float[Tensor, " N d"],
    key: Float[Tensor, " K d"],
    *,
    exclude: Int[Tensor, " N E"] | None = None,
    own: Float[Tensor, " N"] | None = None,
    at_once: int = AT_ONCE,
) -> Float[Tensor, ""]:
    """Return ``mean_i log(sum_n exp(q_i . k_n) + exp(own_i))`` over all queries, computed in blocks to save memory.

    Parameters
    ----------
    query, key
        N query vectors q_i and K key vectors k_n. One of them is already divided by the temperature.
    exclude
        For each query, the indices of E keys that are left out of its sum: shape (N, E). None: no key is left out.
    own
        For each query, its similarity to one more key that no other query is compared with: shape (N,). None: there is
        no such key, and the term ``exp(own_i)`` is left out.
    at_once
        Approximate number of similarities that are kept in memory at once.

    Examples
    --------
    >>> import torch
    >>> z = torch.eye(3)
    >>> round(float(mean_logsumexp(z, z)), 4)   # log(e + 2)
    1.5514
    """
    with torch.autocast(query.device.type, enabled=False):
        mean: Tensor = _MeanLogSumExp.apply(query, key, exclude, own, at_once)  # type: ignore[no-untyped-call]
    return mean


class _MeanLogSumExp(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, exclude: Tensor | None, own: Tensor | None, at_once: int
    ) -> Tensor:
        n = len(query)
        rows = max(1, min(n, at_once // len(key)))
        for_query, for_key, _, for_own, _ = ctx.needs_input_grad
        d_query = torch.empty_like(query) if for_query else None
        d_key = torch.zeros_like(key) if for_key else None
        d_own = torch.empty_like(own) if own is not None and for_own else None
        total = query.new_zeros(())
        held = query.new_empty((rows, len(key)))
        for start in range(0, n, rows):
            block = slice(start, start + rows)
            q = query[block]
            p = torch.mm(q, key.T, out=held[: len(q)])
            if exclude is not None:
                p.scatter_(1, exclude[block], -torch.inf)
            top = p.amax(1, keepdim=True)
            if own is not None:
                top = torch.maximum(top, own[block, None])
            z = p.sub_(top).exp_().sum(1, keepdim=True)
            if own is not None:
                z += (mine := (own[block, None] - top).exp())
            total += (z.log() + top).sum()
            share = 1 / (n * z)
            if d_query is not None:
                torch.mm(p, key, out=d_query[block]).mul_(share)
            if d_key is not None:
                d_key.addmm_(p.T, q * share)
            if d_own is not None:
                d_own[block] = (mine * share)[:, 0]
        ctx.save_for_backward(d_query, d_key, d_own)
        return total / n

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        d_query, d_key, d_own = (None if d is None else grad * d for d in ctx.saved_tensors)
        return d_query, d_key, None, d_own, None
