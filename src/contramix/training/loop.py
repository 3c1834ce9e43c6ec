"""The loop: a generator over steps. Progress, logs, checkpoints and early stops are ``for`` bodies around it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import torch
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError
from torch import Tensor, nn

from contramix.errors import InputError, RunError
from contramix.runtime import distributed
from contramix.runtime.precision import Precision, in_bfloat16
from contramix.runtime.randomness import Key, seeded
from contramix.samples.samples import Batch, Samples, inference_batch_size, iterate_batches
from contramix.samples.shuffling import MAX_SHUFFLED_ROWS, rebatch, shuffle_by_windows
from contramix.training.objective import Objective
from contramix.training.optimizers import OptimizerSettings

AUTO_EPOCHS = 5, 100
MOST_BATCHES = 1024
"""Batches from which BatchNorm's statistics are computed anew, at most: 4 million rows of a table."""


def _whole_or_auto(value: Any) -> Any:
    if value == "auto" or (type(value) is int and value >= 1):
        return value
    raise PydanticCustomError("whole_or_auto", "should be a whole number of at least 1, or 'auto'")


WholeOrAuto = Annotated[int | Literal["auto"], BeforeValidator(_whole_or_auto)]


class Train(OptimizerSettings):
    """How long and in what portions.

    Parameters
    ----------
    epochs
        Passes over the data; ``"auto"``: enough for about ``auto_steps`` steps, at least 5 and at most 100.
    batch_size
        Samples a step, of all processes together; ``"auto"``: ``auto_batch``, or all samples where there are fewer.
    auto_batch, auto_steps
        What ``"auto"`` is at most, and about.
    clip_norm
        Gradients longer than this are shortened to it.
    recalibrate_bn
        At the end, compute BatchNorm's statistics anew from clean samples: noise and mixing shrink what it sees
        in training.
    precision
        Of the networks' products in pre-training: ``"float32"``, ``"bfloat16"``, or ``"auto"``, which takes bfloat16
        where the processor multiplies it natively and the network is large enough to gain. Models are float32.
    batch_norm
        Where several processes train: BatchNorm's statistics are those of all processes' samples (``"sync"``), as in
        one process, or of each process's own (``"local"``), of which the first one's are kept.
    """

    epochs: WholeOrAuto = "auto"
    batch_size: WholeOrAuto = "auto"
    auto_batch: int = Field(default=512, ge=2)
    auto_steps: int = Field(default=1000, ge=1)
    clip_norm: float | None = Field(default=None, gt=0)
    recalibrate_bn: bool = False
    precision: Precision = "auto"
    batch_norm: Literal["sync", "local"] = "sync"

    def plan(self, samples: int) -> "Plan":
        """Batches and epochs for a number of samples.

        Raises
        ------
        InputError
            For fewer than two samples, a batch larger than the data, or one that processes cannot share equally.
        """
        if samples < 2:
            raise InputError(f"pre-training needs at least 2 rows, to compare one with another; there is {samples}")
        batch = min(self.auto_batch, samples) if self.batch_size == "auto" else self.batch_size
        if batch < 2:
            raise InputError(f"train.batch_size is {batch}; a sample is compared with others, so at least 2")
        if batch > samples:
            raise InputError(f"train.batch_size {batch} is larger than the data: {samples} rows; give at most that")
        several = distributed.world_size()
        if self.batch_size == "auto" and batch == samples:
            batch -= batch % several
        if batch % several or batch < 2 * several:
            below = max(batch - batch % several, 2 * several)
            raise InputError(
                f"train.batch_size {batch} cannot be shared by {several} processes, each the same number and at least "
                f"2; give a multiple of {several}, such as {below}"
            )
        # The last, shorter batch is left out; each epoch leaves out others.
        steps = samples // batch
        least, most = AUTO_EPOCHS
        epochs = min(most, max(least, math.ceil(self.auto_steps / steps))) if self.epochs == "auto" else self.epochs
        return Plan(batch, steps, epochs)


class Plan(NamedTuple):
    """The size of a run."""

    batch_size: int
    steps_per_epoch: int
    epochs: int

    @property
    def steps(self) -> int:
        """All steps of the run."""
        return self.steps_per_epoch * self.epochs


class Step(NamedTuple):
    """A step that was taken."""

    step: int
    """Counted from 1."""
    epoch: int
    loss: Tensor
    """On the device; reading it waits for the device."""
    rate: float


@dataclass
class State:
    """What a run has come to: all that a checkpoint holds."""

    objective: Objective
    optimizer: torch.optim.Optimizer
    step: int = 0


def order(x: Samples, plan: Plan, seed: int, start: int = 0) -> Iterator[Tensor]:
    """Row numbers of the batch of each step from ``start`` on; each epoch has an order of its own.

    Drawn on the CPU, so that it is the same on every device.
    """
    for epoch in range(start // plan.steps_per_epoch, plan.epochs):
        first = start - epoch * plan.steps_per_epoch if epoch == start // plan.steps_per_epoch else 0
        key = Key(seed).at("order", epoch)
        rows = range(first * plan.batch_size, plan.steps_per_epoch * plan.batch_size)
        if not isinstance(x, Batch) and len(x) > MAX_SHUFFLED_ROWS:
            yield from rebatch(shuffle_by_windows(len(x), key, rows.start), plan.batch_size, len(rows))
        else:
            shuffled = torch.randperm(len(x), generator=key.generator())
            shuffled = shuffled.to(x.device) if isinstance(x, Batch) else shuffled
            yield from torch.split(shuffled[rows.start : rows.stop], plan.batch_size)


def pretrain(x: Samples, state: State, train: Train, plan: Plan, seed: int) -> Iterator[Step]:
    """Take the steps that remain; of several processes each takes its share of each batch.

    Parameters
    ----------
    x
        All samples; those in memory lie on the device.
    state
        Where the run stands; it is moved on.
    train, plan
        How weights move; how many steps of how many samples.
    seed
        With the step it decides all that is drawn, so that a resumed run equals an uninterrupted one.

    Yields
    ------
    Step
        After each step.

    Raises
    ------
    RunError
        If the loss is not finite.
    """
    objective, optimizer = state.objective, state.optimizer
    parameters = [p for p in objective.parameters() if p.requires_grad]
    watch = _FiniteWatch(x.device)
    objective.train()
    half = in_bfloat16(train.precision, objective, x.device)
    rate = 0.0
    together = distributed.wrap_ddp(objective)
    for batch in iterate_batches(x, map(distributed.local_shard, order(x, plan, seed, state.step))):
        epoch = state.step // plan.steps_per_epoch
        rate = train.rate(state.step, plan.steps_per_epoch, plan.epochs)
        for group in optimizer.param_groups:
            group["lr"] = rate
        key = Key(seed).at("step", state.step)
        optimizer.zero_grad(set_to_none=True)
        # Dropout, as a module or a function call in a user's encoder, draws from the global state.
        half_or_full = torch.autocast(x.device.type, torch.bfloat16, enabled=half)
        with seeded(distributed.per_rank(key).at("dropout"), x.device), half_or_full:
            loss = together(batch, key)
        loss.backward()
        loss = distributed.all_reduce_mean(loss.detach())
        if train.clip_norm:
            nn.utils.clip_grad_norm_(parameters, train.clip_norm)
        watch.see(loss, state.step + 1, rate)
        optimizer.step()
        objective.after_step()
        state.step += 1
        yield Step(state.step, epoch, loss, rate)
    watch.raise_if_bad(rate)


class _FiniteWatch:
    """Stops a run whose loss is not finite, before the weights move; on a GPU within a few steps, without waiting."""

    EVERY = 50

    def __init__(self, device: torch.device) -> None:
        self.waits = device.type != "cpu"
        self.first_bad = torch.full((), 2**62, dtype=torch.long, device=device)

    def see(self, loss: Tensor, step: int, rate: float) -> None:
        now = torch.full_like(self.first_bad, step)
        self.first_bad = torch.where(loss.isfinite(), self.first_bad, torch.minimum(self.first_bad, now))
        if not self.waits or step % self.EVERY == 0:
            self.raise_if_bad(rate)

    def raise_if_bad(self, rate: float) -> None:
        step = int(self.first_bad)
        if step < 2**62:
            raise RunError(
                f"the loss is not finite at step {step} (learning rate {rate:g}). Likely causes: a learning rate too "
                "high (lower train.lr, or set train.clip_norm = 1), a temperature too low, or extreme values in "
                "the data (table.numeric = 'quantile')"
            )


@torch.no_grad()
def recalibrate_bn(encoder: nn.Module, x: Samples, batch_size: int | None = None) -> None:
    """Compute BatchNorm's running statistics anew, as means over clean batches; weights stay."""
    norms = [m for m in encoder.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    kept = [(m, m.momentum) for m in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
    modes = [(m, m.training) for m in encoder.modules()]
    encoder.eval()  # no dropout
    for norm in norms:
        norm.train()
    # Batches of nearly equal size, so that none has one row; of very many, some from all over the data.
    size = batch_size or min(4096, inference_batch_size(x))
    number = max(1, math.ceil(len(x) / size))
    taken = min(number, MOST_BATCHES)
    for batch in iterate_batches(x, (_portion(len(x), number, n * number // taken) for n in range(taken))):
        encoder(batch)
    for module, mode in modes:
        module.training = mode
    for norm, momentum in kept:
        norm.momentum = momentum


def _portion(rows: int, number: int, which: int) -> Tensor:
    """Row numbers of one of so many portions of nearly equal size."""
    size, over = divmod(rows, number)
    start = which * size + min(which, over)
    return torch.arange(start, start + size + (which < over))
