"""Training steps as the peers' users write them, on networks that contramix built.

A loop is a loss of two views, a plain AdamW, and batches: from a DataLoader over a Dataset that makes the views of one
row at a time, or, in the form kindest to a peer, by one indexed read and noise on the whole batch. Noises are the
recipes', written once for a row or a batch.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from contramix.mixing.layout import Layout

View = Callable[[Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]


class Model(nn.Module):
    """A copy of an encoder and its projector."""

    def __init__(self, encoder: nn.Module, projector: nn.Module) -> None:
        super().__init__()
        self.encoder, self.projector = deepcopy(encoder), deepcopy(projector)

    def forward(self, x: Tensor) -> Tensor:
        return self.projector(self.encoder.run(x))


def import_torchvision() -> None:
    """Import the registry's torchvision beside a torch without CUDA, which lacks operators that it names."""
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision

        torchvision.kept = library  # freed, it would take its operators along


# --- data -------------------------------------------------------------------------------------------------------------


class Transformed(Dataset):
    """Rows, one at a time, through a transform that makes both views."""

    def __init__(self, rows: Any, transform: Callable[[Any], Any]) -> None:
        self.rows, self.transform = rows, transform

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, n: int) -> Any:
        return self.transform(self.rows[n])


def loaded(dataset: Dataset, size: int, workers: int) -> Iterator[Any]:
    """Batches from a DataLoader, epoch after epoch."""
    while True:
        yield from DataLoader(dataset, batch_size=size, shuffle=True, drop_last=True, num_workers=workers)


def read_at_once(x: Tensor, view: View, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches by one indexed read, both views of all rows at once."""
    while True:
        for rows in torch.randperm(len(x))[: len(x) // size * size].split(size):
            batch = x[rows]
            yield view(batch), view(batch)


def dropped(layout: Layout, rate: float) -> View:
    """Numbers are set to zero: :mod:`contramix.noise.drop`."""

    def view(x: Tensor) -> Tensor:
        drop = (torch.rand(*x.shape[:-1], layout.units) < rate)[..., layout.unit]
        return x.masked_fill(drop & layout.numeric, 0.0)

    return view


def from_marginals(layout: Layout, pool: Tensor, rate: float) -> View:
    """Columns are replaced by those of other rows: :mod:`contramix.noise.marginal`."""
    elements, few = torch.arange(pool.shape[1]), int(rate * layout.units)

    def view(x: Tensor) -> Tensor:
        units = (*x.shape[:-1], layout.units)
        replace = torch.rand(units).argsort(-1).argsort(-1) < few
        other = pool[torch.randint(len(pool), units)[..., layout.unit], elements]
        return torch.where(replace[..., layout.unit], other, x)

    return view


# --- steps ------------------------------------------------------------------------------------------------------------


def stepping(parameters: Any, loss_of: Loss) -> Callable[[Any], None]:
    """A step: loss, backward, AdamW with contramix's defaults."""
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=1e-4)

    def step(views: Any) -> None:
        loss = loss_of(views[0], views[1])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def of_pairs(model: Model, criterion: Loss) -> Callable[[Any], None]:
    """Both views through the model, a criterion of what comes out: lightly's SimCLR, and everybody's."""
    return stepping(model.parameters(), lambda x0, x1: criterion(model(x0), model(x1)))


def npair(tau: float) -> Loss:
    """Cross-entropy of the logits."""

    def criterion(z0: Tensor, z1: Tensor) -> Tensor:
        logits = functional.normalize(z0) @ functional.normalize(z1).T / tau
        return functional.cross_entropy(logits, torch.arange(len(logits)))

    return criterion


def imix_criterion(z0: Tensor, z1: Tensor, partner: Tensor, weight: float | Tensor, tau: float) -> Tensor:
    """The mixed label's cross-entropy (i-Mix, Algorithm 1)."""
    logits = functional.normalize(z0) @ functional.normalize(z1).T / tau
    own = functional.cross_entropy(logits, torch.arange(len(logits)))
    return weight * own + (1 - weight) * functional.cross_entropy(logits, partner)


def imix(model: Model, alpha: float, tau: float) -> Callable[[Any], None]:
    """i-Mix, Algorithm 1, as printed: one weight a batch, two passes."""

    def loss_of(x0: Tensor, x1: Tensor) -> Tensor:
        weight = torch.distributions.Beta(alpha, alpha).sample()
        partner = torch.randperm(len(x0))
        mixed = weight * x0 + (1 - weight) * x0[partner]
        return imix_criterion(model(mixed), model(x1), partner, weight, tau)

    return stepping(model.parameters(), loss_of)


def metric_learning(tau: float, symmetric: bool = False) -> Loss:
    """pytorch-metric-learning's NT-Xent of one view against the other (N-pair), or of all views (SimCLR)."""
    from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss

    return SelfSupervisedLoss(NTXentLoss(temperature=tau), symmetric=symmetric)


def lightly_byol(model: Model, predictor: nn.Module, momentum: float) -> Callable[[Any], None]:
    """The loop of lightly's example of BYOL, symmetric."""
    from lightly.loss import NegativeCosineSimilarity
    from lightly.models.utils import deactivate_requires_grad, update_momentum

    predictor, target, criterion = deepcopy(predictor), deepcopy(model), NegativeCosineSimilarity()
    deactivate_requires_grad(target)

    def loss_of(x0: Tensor, x1: Tensor) -> Tensor:
        update_momentum(model.encoder, target.encoder, m=momentum)
        update_momentum(model.projector, target.projector, m=momentum)
        p0, z0 = predictor(model(x0)), target(x0).detach()
        p1, z1 = predictor(model(x1)), target(x1).detach()
        return 0.5 * (criterion(p0, z1) + criterion(p1, z0))

    return stepping([*model.parameters(), *predictor.parameters()], loss_of)


def lightly_moco(model: Model, criterion: Loss, momentum: float) -> Callable[[Any], None]:
    """The loop of lightly's example of MoCo; the criterion holds the queue."""
    from lightly.models.utils import deactivate_requires_grad, update_momentum

    target = deepcopy(model)
    deactivate_requires_grad(target)

    def loss_of(x0: Tensor, x1: Tensor) -> Tensor:
        update_momentum(model.encoder, target.encoder, m=momentum)
        update_momentum(model.projector, target.projector, m=momentum)
        return criterion(model(x0), target(x1).detach())

    return stepping(model.parameters(), loss_of)


def tabulars3l(rows: Tensor, width: int, depth: int, out: int, tau: float) -> tuple[Dataset, nn.Module]:
    """TabularS3L's data set and module of SCARF, its network as near as its settings come.

    No BatchNorm and ReLU behind the backbone's last layer, and a head whose hidden layer is as narrow as what it
    gives: less work than contramix's encoder and head. Each element of a row is a column.
    """
    import pandas as pd
    from ts3l.pl_modules import SCARFLightning
    from ts3l.utils.backbone_utils import MLPBackboneConfig
    from ts3l.utils.embedding_utils import IdentityEmbeddingConfig
    from ts3l.utils.scarf_utils import SCARFConfig, SCARFDataset

    frame = pd.DataFrame(rows.numpy(), columns=[f"x{n}" for n in range(rows.shape[1])])
    config = SCARFConfig(
        task="classification",
        loss_fn="CrossEntropyLoss",
        embedding_config=IdentityEmbeddingConfig(input_dim=rows.shape[1]),
        backbone_config=MLPBackboneConfig(
            input_dim=rows.shape[1], hidden_dims=[width] * (depth - 1), n_hiddens=depth, output_dim=width
        ),
        output_dim=2,
        pretraining_head_dim=out,
        dropout_rate=0.0,
        tau=tau,
        corruption_rate=0.6,
    )
    with warnings.catch_warnings():  # of the frame's memory, which must not be written
        warnings.simplefilter("ignore")
        data = SCARFDataset(frame, config=config, continuous_cols=list(frame.columns), category_cols=[])
    return data, SCARFLightning(config)


def scarf(module: Any) -> Callable[[Any], None]:
    """TabularS3L's step without Lightning's Trainer around it."""

    def loss_of(x: Tensor, corrupted: Tensor) -> Tensor:
        loss = module.training_step((x, corrupted), 0)["loss"]
        module.first_phase_step_outputs.clear()  # as at the start of validation
        return loss

    first_phase = [*module.model.backbone_module.parameters(), *module.model.pretraining_head.parameters()]
    return stepping(first_phase, loss_of)
