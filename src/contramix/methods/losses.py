"""Compute contrastive losses between queries and keys with soft labels.

All inputs are unit vectors, and losses are means over queries.
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
    r"""Compute the InfoNCE loss: the cross-entropy of query-key similarities with soft labels.

    The loss of query i is ``-sum_m w_im log[ exp(q_i . k_t(i,m) / tau) / sum_n exp(q_i . k_n / tau) ]``, and the result
    is the mean over queries. Here t(i, m) is ``targets.index[i, m]``, w_im is ``targets.weight[i, m]``, and n runs over
    all keys, including those of the queue, except those in ``exclude``. Without a queue this is the N-pair loss of
    i-Mix, with a queue the loss of i-Mix's revised MoCo, and with ``exclude`` SimCLR's NT-Xent.

    Parameters
    ----------
    query, key
        Unit vectors.
    targets
        Keys that each query should match, as indices into ``key``, with their weights.
    temperature
        Temperature tau > 0, by which similarities are divided.
    queue
        Further keys, which match no query. None: there is no queue.
    exclude
        For each query, the indices of E keys that it is not compared with (in NT-Xent, the query itself). None: each
        query is compared with all keys.

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
    """Compute the loss of MoCo v2, which compares query i with key i (the positive) and the queue (negatives).

    Similarities are divided by ``temperature``. The keys of other samples in the batch are not used.
    """
    query = query / temperature
    own = (query * key).sum(1)
    return mean_logsumexp(query, queue, own=own) - own.mean()


def regression(query: Float[Tensor, " N d"], key: Float[Tensor, " K d"], targets: Targets) -> Float[Tensor, ""]:
    """Compute BYOL's loss, ``2 - 2 * (inner product of a query and its target)``, averaged over queries.

    The target is the sum of the keys ``targets.index``, weighted by ``targets.weight``. As in i-Mix (section 3.4), this
    sum is not normalized to length 1.
    """
    return (2 - 2 * (query * _mixture(key, targets)).sum(1)).mean()


def _mixture(key: Float[Tensor, " K d"], targets: Targets) -> Float[Tensor, " N d"]:
    """Return, for each query, the sum of the keys ``targets.index`` weighted by ``targets.weight``."""
    # The backward pass of index_select adds rows; that of key[index] sorts them first, which is slower.
    each = key.index_select(0, targets.index.flatten()).reshape(*targets.index.shape, -1)
    return (targets.weight[:, :, None] * each).sum(1)
