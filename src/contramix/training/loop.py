"""Train encoders with a generator that yields each step. Callers write logs and checkpoints in a loop over it."""

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
"""Smallest and largest number of epochs that ``epochs = "auto"`` chooses."""
MAX_BATCHES = 1024
"""Maximum number of batches from which BatchNorm's statistics are recomputed (up to 4 million rows of a table)."""


def _int_or_auto(value: Any) -> Any:
    if value == "auto" or (type(value) is int and value >= 1):
        return value
    raise PydanticCustomError("int_or_auto", "should be a whole number of at least 1, or 'auto'")


IntOrAuto = Annotated[int | Literal["auto"], BeforeValidator(_int_or_auto)]


class Train(OptimizerSettings):
    """Configure pre-training: its length, batch size and precision.

    The base class holds the settings of the optimizer and its learning rate, such as ``optimizer`` and ``lr``.

    Parameters
    ----------
    epochs
        Number of passes over the data; ``"auto"``: enough for about ``auto_steps`` steps, at least 5 and at most 100.
    batch_size
        Number of samples in a step, over all processes; ``"auto"``: ``auto_batch``, or all samples if there are fewer.
    auto_batch, auto_steps
        Largest batch size that ``batch_size="auto"`` chooses, and number of steps that ``epochs="auto"`` aims at.
    clip_norm
        Largest norm of the gradient; longer gradients are scaled down to it. None: no clipping.
    recalibrate_bn
        Whether BatchNorm's running statistics are recomputed from samples without noise at the end of training. During
        training, noise and mixing shrink the variances.
    precision
        Precision of matrix products and convolutions in pre-training: ``"float32"``, ``"bfloat16"``, or ``"auto"``,
        which chooses bfloat16 if the hardware supports it and the network is large enough to gain. Weights are float32.
    batch_norm
        In distributed training: ``"sync"`` computes BatchNorm's statistics from the samples of all processes;
        ``"local"`` computes them in each process from its own samples, and saves the running statistics of the first.
    """

    epochs: IntOrAuto = "auto"
    batch_size: IntOrAuto = "auto"
    auto_batch: int = Field(default=512, ge=2)
    auto_steps: int = Field(default=1000, ge=1)
    clip_norm: float | None = Field(default=None, gt=0)
    recalibrate_bn: bool = False
    precision: Precision = "auto"
    batch_norm: Literal["sync", "local"] = "sync"

    def plan(self, samples: int) -> "Plan":
        """Compute the batch size, steps per epoch and number of epochs for a number of training samples.

        Raises
        ------
        InputError
            If there are fewer than two samples, the batch size is larger than the number of samples, or it is not a
            multiple of the number of processes with at least two samples for each.
        """
        if samples < 2:
            raise InputError(f"pre-training needs at least 2 rows, to compare one with another; there is {samples}")
        batch = min(self.auto_batch, samples) if self.batch_size == "auto" else self.batch_size
        if batch < 2:
            raise InputError(f"train.batch_size is {batch}; a sample is compared with others, so at least 2")
        if batch > samples:
            raise InputError(f"train.batch_size {batch} is larger than the data: {samples} rows; give at most that")
        processes = distributed.world_size()
        if self.batch_size == "auto" and batch == samples:
            batch -= batch % processes
        if batch % processes or batch < 2 * processes:
            below = max(batch - batch % processes, 2 * processes)
            raise InputError(
                f"train.batch_size {batch} cannot be shared by {processes} processes, each the same number and at "
                f"least 2; give a multiple of {processes}, such as {below}"
            )
        # The last, shorter batch is dropped. Samples are shuffled, so that each epoch drops others.
        steps = samples // batch
        fewest, most = AUTO_EPOCHS
        epochs = min(most, max(fewest, math.ceil(self.auto_steps / steps))) if self.epochs == "auto" else self.epochs
        return Plan(batch, steps, epochs)


class Plan(NamedTuple):
    """Describe the length of a training: batch size (over all processes), steps per epoch, and number of epochs."""

    batch_size: int
    steps_per_epoch: int
    epochs: int

    @property
    def steps(self) -> int:
        """Return the total number of steps in all epochs."""
        return self.steps_per_epoch * self.epochs


class Step(NamedTuple):
    """Describe a training step after it has been taken.

    Parameters
    ----------
    step, epoch
        Number of the step, from 1, and of the epoch, from 0.
    loss
        Loss of the batch, on the training device. Converting it to a number waits for the device.
    rate
        Learning rate of the step.
    """

    step: int
    epoch: int
    loss: Tensor
    rate: float


@dataclass
class State:
    """Collect what a checkpoint saves: networks (``objective``), optimizer, and number of steps taken (``step``)."""

    objective: Objective
    optimizer: torch.optim.Optimizer
    step: int = 0


def order(x: Samples, plan: Plan, seed: int, start: int = 0) -> Iterator[Tensor]:
    """Yield the row numbers of the samples in each batch of a training, shuffled anew in each epoch.

    Parameters
    ----------
    x
        All samples.
    plan
        Batch size and number of steps.
    seed
        Seed of the shuffling, which gives the same order on every device.
    start
        Number of steps that have been taken; their batches are skipped.
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
    """Train for the remaining steps of a plan. If several processes train together, each computes a part of each batch.

    Parameters
    ----------
    x
        All samples. Samples in memory must be on the training device.
    state
        Networks, optimizer and number of steps taken. It is updated in place.
    train
        Settings of training, such as learning rate and precision.
    plan
        Batch size and number of steps.
    seed
        Seed of the run. All random draws of a step depend only on the seed and the number of the step. Therefore a
        resumed run equals an uninterrupted one.

    Yields
    ------
    Step
        Each step after it has been taken.

    Raises
    ------
    RunError
        If the loss is not finite.
    """
    objective, optimizer = state.objective, state.optimizer
    parameters = [p for p in objective.parameters() if p.requires_grad]
    check = _FiniteLossCheck(x.device)
    objective.train()
    use_bfloat16 = in_bfloat16(train.precision, objective, x.device)
    rate = 0.0
    model = distributed.wrap_ddp(objective)
    for batch in iterate_batches(x, map(distributed.local_shard, order(x, plan, seed, state.step))):
        epoch = state.step // plan.steps_per_epoch
        rate = train.rate(state.step, plan.steps_per_epoch, plan.epochs)
        for group in optimizer.param_groups:
            group["lr"] = rate
        key = Key(seed).at("step", state.step)
        optimizer.zero_grad(set_to_none=True)
        # Dropout, as a module or a function call in a user's encoder, draws from the global state.
        autocast = torch.autocast(x.device.type, torch.bfloat16, enabled=use_bfloat16)
        with seeded(distributed.per_rank(key).at("dropout"), x.device), autocast:
            loss = model(batch, key)
        loss.backward()
        loss = distributed.all_reduce_mean(loss.detach())
        if train.clip_norm:
            nn.utils.clip_grad_norm_(parameters, train.clip_norm)
        check.add(loss, state.step + 1, rate)
        optimizer.step()
        objective.after_step()
        state.step += 1
        yield Step(state.step, epoch, loss, rate)
    check.raise_if_bad(rate)


class _FiniteLossCheck:
    """Raise a RunError if a loss is not finite.

    Call ``add`` with the loss of each step, and ``raise_if_bad`` after the last step. On a CPU, ``add`` raises the
    error at once. On a GPU, it checks only every ``EVERY`` steps, because each check waits for the device.
    """

    EVERY = 50

    def __init__(self, device: torch.device) -> None:
        self.asynchronous = device.type != "cpu"
        self.first_bad = torch.full((), 2**62, dtype=torch.long, device=device)

    def add(self, loss: Tensor, step: int, rate: float) -> None:
        now = torch.full_like(self.first_bad, step)
        self.first_bad = torch.where(loss.isfinite(), self.first_bad, torch.minimum(self.first_bad, now))
        if not self.asynchronous or step % self.EVERY == 0:
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
    """Recompute the running statistics of BatchNorm layers from samples without noise. Weights do not change.

    Parameters
    ----------
    encoder
        Network whose BatchNorm layers are updated.
    x
        Samples without noise. If they form more than :data:`MAX_BATCHES` batches, evenly spaced batches are used.
    batch_size
        Largest number of samples in a batch; None: from 32 for large samples to 4,096 for small ones.
    """
    norms = [m for m in encoder.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    kept = [(m, m.momentum) for m in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over batches
    modes = [(m, m.training) for m in encoder.modules()]
    encoder.eval()  # no dropout
    for norm in norms:
        norm.train()
    # Batches have nearly equal sizes, so that none has one row only. If there are very many, some of them are used.
    size = batch_size or min(4096, inference_batch_size(x))
    number = max(1, math.ceil(len(x) / size))
    taken = min(number, MAX_BATCHES)
    for batch in iterate_batches(x, (_batch_rows(len(x), number, n * number // taken) for n in range(taken))):
        encoder(batch)
    for module, mode in modes:
        module.training = mode
    for norm, momentum in kept:
        norm.momentum = momentum


def _batch_rows(rows: int, number: int, which: int) -> Tensor:
    """Return the row numbers of one batch, if the rows 0, 1, ... are split in order into nearly equal batches.

    ``rows`` is the number of rows, ``number`` the number of batches, and ``which`` the number of the batch, from 0.
    """
    size, over = divmod(rows, number)
    start = which * size + min(which, over)
    return torch.arange(start, start + size + (which < over))
