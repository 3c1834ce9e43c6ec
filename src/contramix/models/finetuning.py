"""Fine-tuning: all weights of an encoder, and a linear head on it, trained on labelled rows."""

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
from contramix.models.fine_tuned_network import Tuned
from contramix.models.finetune_settings import DEFAULT, FEW_ROWS, LOOKS, FineTune
from contramix.models.inference import embed
from contramix.models.pretraining import resolve_device
from contramix.models.task import Task
from contramix.runtime.randomness import Key, seeded
from contramix.samples.samples import Samples, take
from contramix.training.loop import Plan, Step
from contramix.training.optimizers import OptimizerSettings
from contramix.training.reporter import SILENT, Reporter

__all__ = ["FineTune", "Tuned", "class_weights", "fine_tune"]

NORMALISE_FROM = 3000
"""With fewer rows BatchNorm keeps the statistics that it has: those of few rows are noise."""
HEAD_STEPS, HEAD_LR, HEAD_ROWS = 100, 1e-3, 20_000
"""First the head alone is trained, so that a random one does not spoil the encoder: Kumar et al., Fine-Tuning can
Distort Pretrained Features and Underperform Out-of-Distribution, ICLR 2022."""

Loss = Callable[[Tensor, Tensor], Tensor]


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
) -> Tuned:
    """Train a copy of an encoder, and a linear head on it; the encoder that is given stays as it is.

    Parameters
    ----------
    encoder
        With pre-trained weights, or with its first ones.
    x, y, task
        Labelled rows, their class numbers or quantities, and what these mean.
    settings, seed, device
        How to train; the same seed gives the same bytes on the same machine.
    reporter
        Receives the training steps.

    Raises
    ------
    InputError
        For fewer than two rows.
    RunError
        If the loss is not finite.
    """
    if len(x) < 2:
        raise InputError(f"fine-tuning needs at least 2 labelled rows; there is {len(x)}")
    place, key = resolve_device(str(device)), Key(seed).at("finetune")
    train, held = _held_out(y, task, settings, seed)
    weight = class_weights(y, task, settings.class_weight)
    mean, scale = 0.0, 1.0
    if task.kind == "regression":
        mean, scale = float(y[train].mean()), float(y[train].std()) or 1.0
    with seeded(key.at("weights")):
        tuned = Tuned(copy.deepcopy(encoder).requires_grad_(), task, mean, scale).to(place)
    rows, truth, loss = (
        take(x, torch.from_numpy(train)).to(place),
        _truth(task, (y[train] - mean) / scale, place),
        _loss(task, weight, place),
    )
    _fit_head(tuned, rows, truth, loss, key)
    plan = settings.plan(len(train))
    every = max(1, plan.steps // LOOKS)
    best, best_step, kept, waited = -math.inf, 0, tuned.state_dict(), 0
    steps = _steps(tuned, rows, truth, loss, settings.rate_for(len(y)), plan, key)
    for step in reporter.steps("fine-tuning", plan, 0, steps):
        if len(held) and (step.step % every == 0 or step.step == plan.steps):
            score = tuned.score(take(x, torch.from_numpy(held)), y[held], weight)
            waited = 0 if score > best else waited + 1
            if score >= best:  # of equals the last, whose learning rate is the lowest
                best, best_step, kept = score, step.step, copy.deepcopy(tuned.state_dict())
            if waited >= settings.patience:
                break
    tuned.load_state_dict(kept)  # without held-out rows, what it has
    tuned.facts = {"labelled_rows": len(y), "held_out_rows": len(held), "steps": step.step}
    if len(held):
        tuned.facts |= {"best_step": best_step, "validation_score": best}
    return tuned.eval()


def _truth(task: Task, y: ndarray, device: torch.device) -> Tensor:
    return torch.from_numpy(y).to(device, torch.float32 if task.kind == "regression" else torch.long)


def _loss(task: Task, weight: ndarray | None, device: torch.device) -> Loss:
    """Cross-entropy, or the mean squared error of standardised quantities."""
    if task.kind == "regression":
        return lambda out, truth: mse_loss(out[:, 0], truth)
    weigh = None if weight is None else torch.from_numpy(weight).to(device, torch.float32)
    return lambda out, truth: cross_entropy(out, truth, weigh)


def _fit_head(tuned: Tuned, x: Samples, truth: Tensor, loss: Loss, key: Key) -> None:
    """Train the head on the representations as they are."""
    index = torch.randperm(len(x), generator=key.at("head").generator())[:HEAD_ROWS].to(x.device)
    z = torch.from_numpy(embed(tuned.encoder, take(x, index.cpu()))).to(x.device)
    optimizer = OptimizerSettings(lr=HEAD_LR).build(tuned.head.parameters())
    for _ in range(HEAD_STEPS):
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss(tuned.head(z), truth[index]))
        optimizer.step()


def _steps(
    tuned: Tuned, x: Samples, truth: Tensor, loss_of: Loss, settings: FineTune, plan: Plan, key: Key
) -> Iterator[Step]:
    """Take all steps of all weights."""
    optimizer = settings.build(tuned.parameters())
    order = torch.empty(0)
    for number in range(plan.steps):
        epoch, place = divmod(number, plan.steps_per_epoch)
        if place == 0:
            order = torch.randperm(len(x), generator=key.at("order", epoch).generator()).to(x.device)
        rate = settings.rate(number, plan.steps_per_epoch, plan.epochs)
        for group in optimizer.param_groups:
            group["lr"] = rate
        index = order[place * plan.batch_size : (place + 1) * plan.batch_size]
        _train_mode(tuned, len(x))
        optimizer.zero_grad(set_to_none=True)
        with seeded(key.at("dropout", number), x.device):
            loss = loss_of(tuned(x[index]), truth[index])
        if not bool(loss.isfinite()):
            raise RunError(
                f"the loss of fine-tuning is not finite at step {number + 1} (learning rate {rate:g}); lower lr, or "
                "look for extreme values in the data"
            )
        torch.autograd.backward(loss)
        optimizer.step()
        yield Step(number + 1, epoch, loss.detach(), rate)


def _train_mode(tuned: Tuned, rows: int) -> None:
    tuned.train()
    if rows < NORMALISE_FROM:
        for module in tuned.modules():
            if isinstance(module, _BatchNorm):
                module.eval()


def class_weights(
    y: Shaped[ndarray, " n"], task: Task, how: Literal["balanced"] | Mapping[str, float] | None
) -> Float[ndarray, " C"] | None:
    """A weight a class, as scikit-learn defines them; classes that are not named, or have no rows, weigh 1.

    Raises
    ------
    InputError
        For the name of a class that is not there.
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


def _held_out(y: ndarray, task: Task, settings: FineTune, seed: int) -> tuple[ndarray, ndarray]:
    """Row numbers to train on, and to stop by: as many of each class as its share, where each has at least two."""
    rows = np.arange(len(y))
    if len(rows) < FEW_ROWS or settings.validation_share == 0:
        return rows, rows[:0]
    stratify = None
    if task.kind == "classification":
        counts = np.unique(y, return_counts=True)[1]
        stratify = y if counts.min() >= 2 and len(counts) <= int(settings.validation_share * len(rows)) else None
    train, held = train_test_split(rows, test_size=settings.validation_share, random_state=seed, stratify=stratify)
    return np.sort(train), np.sort(held)
