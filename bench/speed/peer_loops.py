"""Build training steps as users of other libraries write them, on networks that contramix built.

A step is a loss of two views and a plain AdamW. Batches come from a DataLoader over a Dataset that makes the views of
one row at a time, or, as the fastest form for the other library, from one indexed read with noise on the whole batch.
The noises are the recipes', written once for a row or a batch.
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
    """Hold copies of an encoder and its projector."""

    def __init__(self, encoder: nn.Module, projector: nn.Module) -> None:
        super().__init__()
        self.encoder, self.projector = deepcopy(encoder), deepcopy(projector)

    def forward(self, x: Tensor) -> Tensor:
        return self.projector(self.encoder.run(x))


def import_torchvision() -> None:
    """Import torchvision built for CUDA with a torch without CUDA, which lacks operators that it names."""
    try:
        import torchvision
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision

        torchvision.kept = library  # the operators vanish if the library is freed


# --- data -------------------------------------------------------------------------------------------------------------


class Transformed(Dataset):
    """Pass rows one at a time through a transform that makes both views."""

    def __init__(self, rows: Any, transform: Callable[[Any], Any]) -> None:
        self.rows, self.transform = rows, transform

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, n: int) -> Any:
        return self.transform(self.rows[n])


def loaded(dataset: Dataset, size: int, workers: int) -> Iterator[Any]:
    """Yield batches from a DataLoader, epoch after epoch."""
    while True:
        yield from DataLoader(dataset, batch_size=size, shuffle=True, drop_last=True, num_workers=workers)


def read_at_once(x: Tensor, view: View, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches by one indexed read, with noise on all rows of the batch at once."""
    while True:
        for rows in torch.randperm(len(x))[: len(x) // size * size].split(size):
            batch = x[rows]
            yield view(batch), view(batch)


def dropped(layout: Layout, rate: float) -> View:
    """Return a view that sets numbers to zero, as :mod:`contramix.noise.drop`."""

    def view(x: Tensor) -> Tensor:
        drop = (torch.rand(*x.shape[:-1], layout.units) < rate)[..., layout.unit]
        return x.masked_fill(drop & layout.numeric, 0.0)

    return view


def from_marginals(layout: Layout, pool: Tensor, rate: float) -> View:
    """Return a view that replaces columns by those of other rows, as :mod:`contramix.noise.marginal`."""
    elements, few = torch.arange(pool.shape[1]), int(rate * layout.units)

    def view(x: Tensor) -> Tensor:
        units = (*x.shape[:-1], layout.units)
        replace = torch.rand(units).argsort(-1).argsort(-1) < few
        other = pool[torch.randint(len(pool), units)[..., layout.unit], elements]
        return torch.where(replace[..., layout.unit], other, x)

    return view


# --- steps ------------------------------------------------------------------------------------------------------------


def stepping(parameters: Any, loss_of: Loss) -> Callable[[Any], None]:
    """Return a training step: loss, backward, and AdamW with contramix's defaults."""
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=1e-4)

    def step(views: Any) -> None:
        loss = loss_of(views[0], views[1])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def of_pairs(model: Model, criterion: Loss) -> Callable[[Any], None]:
    """Return a step that applies a criterion to the outputs of both views, as lightly's SimCLR does."""
    return stepping(model.parameters(), lambda x0, x1: criterion(model(x0), model(x1)))


def npair(tau: float) -> Loss:
    """Return the N-pair loss: cross-entropy of the similarities of two views."""

    def criterion(z0: Tensor, z1: Tensor) -> Tensor:
        logits = functional.normalize(z0) @ functional.normalize(z1).T / tau
        return functional.cross_entropy(logits, torch.arange(len(logits)))

    return criterion


def imix_criterion(z0: Tensor, z1: Tensor, partner: Tensor, weight: float | Tensor, tau: float) -> Tensor:
    """Compute the cross-entropy with a mixed label (i-Mix, Algorithm 1)."""
    logits = functional.normalize(z0) @ functional.normalize(z1).T / tau
    own = functional.cross_entropy(logits, torch.arange(len(logits)))
    return weight * own + (1 - weight) * functional.cross_entropy(logits, partner)


def imix(model: Model, alpha: float, tau: float) -> Callable[[Any], None]:
    """Return a step of i-Mix, Algorithm 1, as printed: one weight per batch, two passes."""

    def loss_of(x0: Tensor, x1: Tensor) -> Tensor:
        weight = torch.distributions.Beta(alpha, alpha).sample()
        partner = torch.randperm(len(x0))
        mixed = weight * x0 + (1 - weight) * x0[partner]
        return imix_criterion(model(mixed), model(x1), partner, weight, tau)

    return stepping(model.parameters(), loss_of)


def metric_learning(tau: float, symmetric: bool = False) -> Loss:
    """Return pytorch-metric-learning's NT-Xent of one view against the other (N-pair), or of all views (SimCLR)."""
    from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss

    return SelfSupervisedLoss(NTXentLoss(temperature=tau), symmetric=symmetric)


def lightly_byol(model: Model, predictor: nn.Module, momentum: float) -> Callable[[Any], None]:
    """Return the step of lightly's example of BYOL, symmetric."""
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
    """Return the step of lightly's example of MoCo; the criterion holds the queue."""
    from lightly.models.utils import deactivate_requires_grad, update_momentum

    target = deepcopy(model)
    deactivate_requires_grad(target)

    def loss_of(x0: Tensor, x1: Tensor) -> Tensor:
        update_momentum(model.encoder, target.encoder, m=momentum)
        update_momentum(model.projector, target.projector, m=momentum)
        return criterion(model(x0), target(x1).detach())

    return stepping(model.parameters(), loss_of)


def tabulars3l(rows: Tensor, width: int, depth: int, out: int, tau: float) -> tuple[Dataset, nn.Module]:
    """Return TabularS3L's data set and module of SCARF, with a network as close to ours as its settings allow.

    It has no BatchNorm and ReLU after the backbone's last layer, and the hidden layer of its projector is as narrow as
    the output, which is less work than contramix's encoder and projector. Each element of a row is a column.
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
    with warnings.catch_warnings():  # about the read-only memory of the frame
        warnings.simplefilter("ignore")
        data = SCARFDataset(frame, config=config, continuous_cols=list(frame.columns), category_cols=[])
    return data, SCARFLightning(config)


def scarf(module: Any) -> Callable[[Any], None]:
    """Return TabularS3L's step without Lightning's Trainer."""

    def loss_of(x: Tensor, corrupted: Tensor) -> Tensor:
        loss = module.training_step((x, corrupted), 0)["loss"]
        module.first_phase_step_outputs.clear()  # as at the start of validation
        return loss

    first_phase = [*module.model.backbone_module.parameters(), *module.model.pretraining_head.parameters()]
    return stepping(first_phase, loss_of)
