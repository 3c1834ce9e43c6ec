"""Check that the losses of other libraries equal contramix's on the same vectors, so that each does the same work."""

import sys
from copy import deepcopy

import torch
from torch import Tensor
from torch.nn.functional import normalize

import bench.speed.peer_loops as loops
from contramix.methods.losses import info_nce, own_key_nce, regression
from contramix.types import Targets

QUEUE, WIDTH = 4096, 128


def agreement() -> dict[str, float]:
    """Return the absolute difference of each loss to contramix's on the same vectors.

    Raises
    ------
    SystemExit
        If a difference is larger than 1e-5.
    """
    loops.import_torchvision()
    gaps = {name: abs(float(theirs) - float(ours)) for name, (ours, theirs) in both_losses().items()}
    for name, gap in gaps.items():
        if not gap <= 1e-5:
            sys.exit(f"error: the losses of {name} differ by {gap:.1e}: they do not do the same work")
    return gaps


def both_losses() -> dict[str, tuple[Tensor, Tensor]]:
    """Return (contramix's loss, the other library's loss) by name, on vectors whose pairs are close."""
    from lightly.loss import NegativeCosineSimilarity, NTXentLoss
    from ts3l.models.scarf import NTXentLoss as OfTabularS3L

    n, tau, generator = 128, 0.2, torch.Generator().manual_seed(0)
    first = torch.randn(n, WIDTH, generator=generator)
    second = first + 0.5 * torch.randn(n, WIDTH, generator=generator)
    z0, z1 = normalize(first), normalize(second)

    each, plain = torch.arange(2 * n)[:, None], Targets.identity(n)
    views, counterparts = torch.cat([z0, z1]), Targets((each + n) % (2 * n), torch.ones(2 * n, 1))
    ntxent = info_nce(views, views, counterparts, tau, exclude=each)
    bank = NTXentLoss(tau, memory_bank_size=(QUEUE, WIDTH))
    queue = bank.memory_bank.bank.clone()
    partner, weight = torch.randperm(n, generator=generator), 0.7
    mixed = Targets(torch.stack([torch.arange(n), partner], 1), torch.tensor([weight, 1 - weight]).expand(n, 2))
    return {
        "NT-Xent, lightly": (ntxent, NTXentLoss(tau)(first, second)),
        "NT-Xent, pytorch-metric-learning": (ntxent, loops.metric_learning(tau, symmetric=True)(first, second)),
        "NT-Xent, ts3l": (ntxent, OfTabularS3L(tau)(z0, z1)),
        "N-pair, PyTorch": (info_nce(z0, z1, plain, tau), loops.npair(tau)(first, second)),
        "N-pair, pytorch-metric-learning": (info_nce(z0, z1, plain, tau), loops.metric_learning(tau)(first, second)),
        "i-Mix, Algorithm 1": (
            info_nce(z0, z1, mixed, tau),
            loops.imix_criterion(first, second, partner, weight, tau),
        ),
        "MoCo's own key and queue, lightly": (own_key_nce(z0, z1, queue, tau), deepcopy(bank)(first, second)),
        "BYOL, lightly (2 + 2 x its loss)": (
            regression(z0, z1, plain),
            2 + 2 * NegativeCosineSimilarity()(first, second),
        ),
    }
