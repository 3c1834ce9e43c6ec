"""Compute losses of queries against keys with sparse soft targets.

All inputs are unit vectors, and all means are over queries.
"""

from jaxtyping import Float, Int
from torch import Tensor, cat

from contramix.methods.logsumexp import mean_logsumexp
from contramix.types import Targets


def info_nce(
    query: Float[Tensor, " N d"],
    key: Float[Tensor, " K d"],
    targets: Targets,
    temperature: float,
    *,
    queue: Float[Tensor, " Q d"] | None = None,
    exclude: Int[Tensor, " N E"] | None = None,
) -> Float[Tensor, ""]:
    r"""Compute the cross-entropy of similarities with soft virtual labels.

    ``-sum_m w_im log[ exp(s(q_i, k_n(m)) / tau) / (sum_n exp(s(q_i, k_n) / tau) + sum_j exp(s(q_i, mu_j) / tau)) ]``:
    this is the N-pair loss of i-Mix; with a queue mu, the revised MoCo of i-Mix; with ``exclude``, NT-Xent.

    Parameters
    ----------
    query, key
        Unit vectors.
    targets
        Keys that each query should match, as indices into ``key``, with their weights.
    temperature
        tau > 0.
    queue
        Additional negatives, which are never targets.
    exclude
        Indices of keys that are ignored for a query, even as negatives (NT-Xent: the query itself).

    Examples
    --------
    >>> import torch
    >>> z = torch.eye(3)
    >>> round(float(info_nce(z, z, Targets.identity(3), 1.0)), 4)   # log(e + 2) - 1
    0.5514
    """
    query = query / temperature  # cheaper than dividing the similarities
    matched = (query * _mixture(key, targets)).sum(1)
    keys = key if queue is None else cat([key, queue])
    return mean_logsumexp(query, keys, exclude=exclude) - matched.mean()


def own_key_nce(
    query: Float[Tensor, " N d"],
    key: Float[Tensor, " N d"],
    queue: Float[Tensor, " Q d"],
    temperature: float,
) -> Float[Tensor, ""]:
    """Compute the loss of MoCo v2 as published: each query against its own key and the queue only."""
    query = query / temperature
    own = (query * key).sum(1)
    return mean_logsumexp(query, queue, own=own) - own.mean()


def regression(query: Float[Tensor, " N d"], key: Float[Tensor, " K d"], targets: Targets) -> Float[Tensor, ""]:
    """Compute BYOL's loss ``2 - 2 s(g(f_i), F v_i)``, whose target is the label-weighted sum of keys.

    The weighted sum is not normalized again (i-Mix, section 3.4 and the published code).
    """
    return (2 - 2 * (query * _mixture(key, targets)).sum(1)).mean()


def _mixture(key: Float[Tensor, " K d"], targets: Targets) -> Float[Tensor, " N d"]:
    """Return for each query the sum of its target keys, weighted by its label."""
    # The backward pass of index_select adds rows; that of key[index] sorts them first, which is slower.
    each = key.index_select(0, targets.index.flatten()).reshape(*targets.index.shape, -1)
    return (targets.weight[:, :, None] * each).sum(1)
