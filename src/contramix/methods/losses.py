"""The losses of queries against keys with sparse soft targets.

All inputs are unit vectors; all means are over queries.
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
    r"""Cross-entropy of similarities with soft virtual labels.

    ``-sum_m w_im log[ exp(s(q_i, k_n(m)) / tau) / (sum_n exp(s(q_i, k_n) / tau) + sum_j exp(s(q_i, mu_j) / tau)) ]``:
    the N-pair loss of i-Mix; with a queue mu, its revised MoCo; with ``exclude``, NT-Xent.

    Parameters
    ----------
    query, key
        Unit vectors.
    targets
        Which keys each query should match, and how much; indices into ``key``.
    temperature
        tau > 0.
    queue
        Further negatives, never a target.
    exclude
        Keys that do not count for a query, not even as negatives (NT-Xent: the query itself).

    Examples
    --------
    >>> import torch
    >>> z = torch.eye(3)
    >>> round(float(info_nce(z, z, Targets.plain(3), 1.0)), 4)   # log(e + 2) - 1
    0.5514
    """
    query = query / temperature  # d numbers a query, not one for each key
    matched = (query * _mixture(key, targets)).sum(1)
    keys = key if queue is None else cat([key, queue])
    return mean_logsumexp(query, keys, exclude=exclude) - matched.mean()


def own_key_nce(
    query: Float[Tensor, " N d"],
    key: Float[Tensor, " N d"],
    queue: Float[Tensor, " Q d"],
    temperature: float,
) -> Float[Tensor, ""]:
    """MoCo v2 as published: each query against its own key and the queue, without the batch's other keys."""
    query = query / temperature
    own = (query * key).sum(1)
    return mean_logsumexp(query, queue, own=own) - own.mean()


def regression(query: Float[Tensor, " N d"], key: Float[Tensor, " K d"], targets: Targets) -> Float[Tensor, ""]:
    """``2 - 2 s(g(f_i), F v_i)``: BYOL's loss, its target the mixture of keys that the virtual label names.

    The mixture is not normalised again (i-Mix, section 3.4 and its code).
    """
    return (2 - 2 * (query * _mixture(key, targets)).sum(1)).mean()


def _mixture(key: Float[Tensor, " K d"], targets: Targets) -> Float[Tensor, " N d"]:
    """For each query the mean of the keys that it should match, weighted as its label says."""
    # By index_select, whose gradient is one addition of rows; that of key[index] sorts them first.
    each = key.index_select(0, targets.index.flatten()).reshape(*targets.index.shape, -1)
    return (targets.weight[:, :, None] * each).sum(1)
