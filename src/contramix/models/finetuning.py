"""Fine-tune an encoder: train all its weights and a linear head on labeled rows."""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Shaped
from numpy import ndarray
from sklearn.model_selection import train_test_split
from sklearn.utils.class_weight import compute_class_weight
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss
from torch.nn.modules.batchnorm import _BatchNorm

from contramix.encoders.encoder import Encoder
from contramix.errors import InputError, RunError, nearest
from contramix.models.fine_tuned_network import FineTunedNetwork
from contramix.models.finetune_settings import DEFAULT, FEW_ROWS, VALIDATIONS, FineTune
from contramix.models.inference import embed
from contramix.models.pretraining import resolve_device
from contramix.models.task import Task
from contramix.runtime.randomness import Key, seeded
from contramix.samples.samples import Samples, take
from contramix.training.loop import Plan, Step
from contramix.training.optimizers import OptimizerSettings
from contramix.training.reporter import SILENT, Reporter

__all__ = ["FineTune", "FineTunedNetwork", "class_weights", "fine_tune"]

MIN_BATCH_NORM_ROWS = 3000
"""Number of rows below which BatchNorm keeps the statistics of pre-training, because those of few rows are noise."""
HEAD_STEPS, HEAD_LR, HEAD_ROWS = 100, 1e-3, 20_000
"""Number of steps, learning rate and maximum number of rows with which the head is trained first, with a frozen
encoder. Otherwise a random head would distort the encoder: Kumar et al., Fine-Tuning can Distort Pretrained Features
and Underperform Out-of-Distribution, ICLR 2022."""

Loss = Callable[[Tensor, Tensor], Tensor]
"""Loss function: it takes the head's outputs and the targets, and returns the mean loss of the rows."""


def fine_tune(
    encoder: Encoder,
    x: Samples,
    y: Shaped[ndarray, " n"],
    task: Task,
    settings: FineTune = DEFAULT,
    *,
    seed: int = 0,
    device: str | torch.device = "auto",
    reporter: Reporter = SILENT,
) -> FineTunedNetwork:
    """Train a copy of an encoder together with a new linear head. The given encoder is not changed.

    Parameters
    ----------
    encoder
        Encoder with pre-trained or random weights.
    x
        Samples of the labeled rows.
    y
        Class numbers or numeric targets of the rows.
    task
        What to predict.
    settings
        How to train, such as number of epochs, learning rate and early stopping.
    seed
        Seed of all random draws. The same seed gives bit-identical weights on the same machine.
    device
        Name of the device to train on, such as ``"cuda"``; ``"auto"``: the GPU if there is one.
    reporter
        Object that shows the training steps.

    Raises
    ------
    InputError
        If there are fewer than two rows.
    RunError
        If the loss is not finite.
    """
    if len(x) < 2:
        raise InputError(f"fine-tuning needs at least 2 labeled rows; there is {len(x)}")
    device, key = resolve_device(str(device)), Key(seed).at("finetune")
    train, held = _split_rows(y, task, settings, seed)
    weight = class_weights(y, task, settings.class_weight)
    mean, scale = 0.0, 1.0
    if task.kind == "regression":
        mean, scale = float(y[train].mean()), float(y[train].std()) or 1.0
    with seeded(key.at("weights")):
        network = FineTunedNetwork(copy.deepcopy(encoder).requires_grad_(), task, mean, scale).to(device)
    rows, truth, loss = (
        take(x, torch.from_numpy(train)).to(device),
        _truth(task, (y[train] - mean) / scale, device),
        _loss_function(task, weight, device),
    )
    _fit_head(network, rows, truth, loss, key)
    plan = settings.plan(len(train))
    every = max(1, plan.steps // VALIDATIONS)
    best, best_step, kept, waited = -math.inf, 0, network.state_dict(), 0
    steps = _steps(network, rows, truth, loss, settings.with_learning_rate(len(y)), plan, key)
    for step in reporter.steps("fine-tuning", plan, 0, steps):
        if len(held) and (step.step % every == 0 or step.step == plan.steps):
            score = network.score(take(x, torch.from_numpy(held)), y[held], weight)
            waited = 0 if score > best else waited + 1
            if score >= best:  # Of equal scores the last counts, because its learning rate is the lowest.
                best, best_step, kept = score, step.step, copy.deepcopy(network.state_dict())
            if waited >= settings.patience:
                break
    network.load_state_dict(kept)  # without held-out rows, the weights of the last step
    network.facts = {"labelled_rows": len(y), "held_out_rows": len(held), "steps": step.step}
    if len(held):
        network.facts |= {"best_step": best_step, "validation_score": best}
    return network.eval()


def _truth(task: Task, y: ndarray, device: torch.device) -> Tensor:
    """Convert class numbers to an int64 tensor, or standardized numeric targets to a float32 tensor."""
    return torch.from_numpy(y).to(device, torch.float32 if task.kind == "regression" else torch.long)


def _loss_function(task: Task, weight: ndarray | None, device: torch.device) -> Loss:
    """Return the loss function of a task: cross-entropy for classes, mean squared error for a numeric target.

    The function takes the head's outputs (B, C) and the targets (B,), and returns their mean loss. ``weight`` holds the
    weight of each class in the cross-entropy; None: equal weights.
    """
    if task.kind == "regression":
        return lambda out, truth: mse_loss(out[:, 0], truth)
    class_weight = None if weight is None else torch.from_numpy(weight).to(device, torch.float32)
    return lambda out, truth: cross_entropy(out, truth, class_weight)


def _fit_head(network: FineTunedNetwork, x: Samples, truth: Tensor, loss: Loss, key: Key) -> None:
    """Train only the head of a network, on the representations of samples ``x``. The encoder is not changed.

    ``truth`` holds the targets of the samples. ``key`` determines which samples are used if there are very many.
    """
    index = torch.randperm(len(x), generator=key.at("head").generator())[:HEAD_ROWS].to(x.device)
    z = torch.from_numpy(embed(network.encoder, take(x, index.cpu()))).to(x.device)
    optimizer = OptimizerSettings(lr=HEAD_LR).build(network.head.parameters())
    for _ in range(HEAD_STEPS):
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss(network.head(z), truth[index]))
        optimizer.step()


def _steps(
    network: FineTunedNetwork, x: Samples, truth: Tensor, loss_of: Loss, settings: FineTune, plan: Plan, key: Key
) -> Iterator[Step]:
    """Train the encoder and the head on samples ``x``, and yield each step after it has been taken.

    ``truth`` holds the targets of the samples. ``key`` determines the order of the samples and dropout.
    """
    optimizer = settings.build(network.parameters())
    order = torch.empty(0)
    for number in range(plan.steps):
        epoch, batch = divmod(number, plan.steps_per_epoch)
        if batch == 0:
            order = torch.randperm(len(x), generator=key.at("order", epoch).generator()).to(x.device)
        rate = settings.rate(number, plan.steps_per_epoch, plan.epochs)
        for group in optimizer.param_groups:
            group["lr"] = rate
        index = order[batch * plan.batch_size : (batch + 1) * plan.batch_size]
        _set_train_mode(network, len(x))
        optimizer.zero_grad(set_to_none=True)
        with seeded(key.at("dropout", number), x.device):
            loss = loss_of(network(x[index]), truth[index])
        if not bool(loss.isfinite()):
            raise RunError(
                f"the loss of fine-tuning is not finite at step {number + 1} (learning rate {rate:g}); lower lr, or "
                "look for extreme values in the data"
            )
        torch.autograd.backward(loss)
        optimizer.step()
        yield Step(number + 1, epoch, loss.detach(), rate)


def _set_train_mode(network: FineTunedNetwork, rows: int) -> None:
    network.train()
    if rows < MIN_BATCH_NORM_ROWS:
        for module in network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()


def class_weights(
    y: Shaped[ndarray, " n"], task: Task, how: Literal["balanced"] | Mapping[str, float] | None
) -> Float[ndarray, " C"] | None:
    """Compute the weight of each class in the loss; return None if no weights are requested, or for a regression.

    Parameters
    ----------
    y
        Class numbers of the training rows.
    task
        What to predict.
    how
        ``"balanced"`` for scikit-learn's balanced weights, where a class without training rows gets the weight 1; a
        dictionary of weights by class name, where a class that is not named gets the weight 1; or None for no weights.

    Raises
    ------
    InputError
        If a name is not a class of the task.
    """
    if how is None or task.kind == "regression":
        return None
    weight = np.ones(len(task.classes))
    if how == "balanced":
        present = np.unique(y)
        weight[present] = compute_class_weight("balanced", classes=present, y=y)
        return weight
    for name, value in how.items():
        if name not in task.classes:
            raise InputError(f"class_weight: there is no class {name!r}; {nearest(name, task.classes)}")
        weight[task.classes.index(name)] = value
    return weight


def _split_rows(y: ndarray, task: Task, settings: FineTune, seed: int) -> tuple[ndarray, ndarray]:
    """Split labeled rows at random; return the row numbers of the training rows and of the held-out rows, sorted.

    No rows are held out if there are fewer than :data:`FEW_ROWS`, or if ``validation_share`` is 0. The split is
    stratified by class if each class has at least two rows and there are at least as many held-out rows as classes.
    """
    rows = np.arange(len(y))
    if len(rows) < FEW_ROWS or settings.validation_share == 0:
        return rows, rows[:0]
    stratify = None
    if task.kind == "classification":
        counts = np.unique(y, return_counts=True)[1]
        stratify = y if counts.min() >= 2 and len(counts) <= int(settings.validation_share * len(rows)) else None
    train, held = train_test_split(rows, test_size=settings.validation_share, random_state=seed, stratify=stratify)
    return np.sort(train), np.sort(held)
