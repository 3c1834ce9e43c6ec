"""Build optimizers, and compute learning rates as functions of the step."""

import math
from collections.abc import Callable, Iterable
from typing import Annotated, Literal

import torch
from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError
from torch import nn

from contramix.errors import InputError, nearest
from contramix.settings import Settings, as_tuple

Parameters = Iterable[nn.Parameter]
"""Weights that an optimizer updates."""


def _sgd(parameters: Parameters, s: "OptimizerSettings") -> torch.optim.Optimizer:
    parameters = list(parameters)
    fused = _fusible(parameters)
    return torch.optim.SGD(parameters, lr=s.lr, momentum=s.momentum, weight_decay=s.weight_decay, fused=fused)


def _adamw(parameters: Parameters, s: "OptimizerSettings") -> torch.optim.Optimizer:
    parameters = list(parameters)
    return torch.optim.AdamW(parameters, lr=s.lr, weight_decay=s.weight_decay, fused=_fusible(parameters))


def _fusible(parameters: Parameters) -> bool:
    """Return whether torch's fused optimizers support all weights.

    A fused optimizer saves a tenth of the time of a training step of a small network.
    """
    return all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in parameters)


def _lars(parameters: Parameters, s: "OptimizerSettings") -> torch.optim.Optimizer:
    # NOTE[DIFF]: the i-Mix and DACL papers name LARS without its settings. Here, as in SimCLR, BatchNorm's and bias
    # parameters get neither adaptation nor weight decay, and the trust coefficient is 0.001.
    try:
        from pytorch_optimizer import LARS
    except ImportError as error:
        raise InputError("the lars optimizer needs an extra: pip install 'contramix[lars]'") from error
    optimizer: torch.optim.Optimizer = LARS(
        list(parameters), lr=s.lr, momentum=s.momentum, weight_decay=s.weight_decay, trust_coefficient=1e-3
    )
    return optimizer


OPTIMIZERS: dict[str, Callable[[Parameters, "OptimizerSettings"], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adamw": _adamw,
    "lars": _lars,
}
"""Functions that build an optimizer from parameters and settings, by name."""


def _known(name: str) -> str:
    if name not in OPTIMIZERS:
        hint = nearest(name, OPTIMIZERS)
        raise PydanticCustomError("kind", "unknown optimizer '{name}'; {hint}", {"name": name, "hint": hint})
    return name


class OptimizerSettings(Settings):
    """Configure an optimizer and the schedule of its learning rate.

    Parameters
    ----------
    optimizer
        ``adamw``, ``sgd`` or ``lars``.
    lr
        Highest learning rate of the schedule.
    weight_decay
        Weight decay of the optimizer.
    momentum
        Momentum of sgd and lars.
    schedule
        How the learning rate changes after a linear warm-up from 0: ``"cosine"`` (decays to 0, at each step),
        ``"cosine-epoch"`` (decays at each epoch, as in the i-Mix code), ``"steps"`` (decays at the epochs in
        ``decay_epochs``), or ``"constant"``.
    warmup_epochs
        Length of the warm-up in epochs; at most half of the training.
    decay_epochs, decay
        Epochs (numbered from 0) at whose start the schedule ``"steps"`` multiplies the learning rate by ``decay``.
    """

    optimizer: Annotated[str, AfterValidator(_known)] = "adamw"
    # Beyond these bounds, float32 overflows before the first loss is computed.
    lr: float = Field(default=2e-3, gt=0, le=1e15)
    weight_decay: float = Field(default=1e-4, ge=0, le=1e15)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    schedule: Literal["cosine", "cosine-epoch", "steps", "constant"] = "cosine"
    warmup_epochs: float = Field(default=1.0, ge=0)
    decay_epochs: Annotated[tuple[int, ...], BeforeValidator(as_tuple)] = ()
    decay: float = Field(default=0.1, gt=0, le=1)

    def build(self, parameters: Parameters) -> torch.optim.Optimizer:
        """Build the optimizer for those parameters that require a gradient."""
        return OPTIMIZERS[self.optimizer]([p for p in parameters if p.requires_grad], self)

    def rate(self, step: int, steps_per_epoch: int, epochs: int) -> float:
        """Return the learning rate of a step.

        Parameters
        ----------
        step
            Number of the step, from 0.
        steps_per_epoch, epochs
            Number of steps in an epoch, and number of epochs of the training.

        Examples
        --------
        >>> s = OptimizerSettings(lr=1.0, warmup_epochs=1)
        >>> [round(s.rate(n, 4, 3), 3) for n in (0, 3, 4, 11)]
        [0.25, 1.0, 1.0, 0.038]
        """
        warmup = min(self.warmup_epochs * steps_per_epoch, epochs * steps_per_epoch / 2)
        if step < warmup:
            return self.lr * min(1.0, (step + 1) / warmup)
        if self.schedule == "constant":
            return self.lr
        if self.schedule == "steps":
            return self.lr * self.decay ** sum(step >= e * steps_per_epoch for e in self.decay_epochs)
        if self.schedule == "cosine-epoch":
            # As in the published i-Mix code, the cosine runs over all epochs, including the warm-up. NOTE[DIFF]: that
            # code warms up to a learning rate with a floor of 0.001 lr, but its cosine has no floor; here neither has.
            return self.lr * 0.5 * (1 + math.cos(math.pi * (step // steps_per_epoch) / epochs))
        done = (step - warmup) / max(1.0, epochs * steps_per_epoch - warmup)
        return self.lr * 0.5 * (1 + math.cos(math.pi * done))
