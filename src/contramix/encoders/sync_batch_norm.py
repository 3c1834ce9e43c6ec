"""Compute the statistics of BatchNorm over the samples of all processes in distributed training.

torch's own ``SyncBatchNorm`` runs on GPUs only and does not support padding.
"""

from typing import TypeVar, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from contramix.encoders.cnn1d import StepNorm
from contramix.errors import InputError
from contramix.runtime import distributed

KNOWN = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, StepNorm)
Module = TypeVar("Module", bound=nn.Module)


class SyncNorm(StepNorm):
    """Apply BatchNorm with statistics over the samples of all distributed processes, to inputs with any number of axes.

    Processes exchange the count, mean and variance of each channel and combine them (Chan et al., 1979). Gradients flow
    through the exchange.
    """

    def forward(self, x: Float[Tensor, " B C *s"], presence: Float[Tensor, " B T"] | None = None) -> Tensor:
        """Normalize each channel (axis 1) of a batch.

        ``presence`` is a soft padding mask for series, by which time steps are weighted: 1 at observed steps, 0 in
        padding. None: the batch has no padding.
        """
        if not self.training:
            return _BatchNorm.forward(self, x)
        given, x = x.dtype, x if x.dtype == torch.float64 else x.float()  # half precision is too coarse for sums
        over = [axis for axis in range(x.dim()) if axis != 1]
        by_channel = (1, -1) + (1,) * (x.dim() - 2)
        if presence is None:
            weight, count = x.new_ones(()), x.new_tensor(x[:, :1].numel())
        else:
            weight, count = presence[:, None, None], presence.sum()
        least = count.clamp(min=1e-6)  # a process may hold no steps or nodes
        mean = (x * weight).sum(over) / least
        variance = ((x - mean.view(by_channel)).square() * weight).sum(over) / least
        every = distributed.all_gather(torch.stack([count.expand_as(mean), mean, variance])[None])
        counts, means, variances = every.unbind(1)
        total = counts.sum(0).clamp(min=1e-6)
        mean = (counts * means).sum(0) / total
        variance = (counts * (variances + (means - mean).square())).sum(0) / total
        if self.track_running_stats:
            self._update_statistics(mean.detach(), (variance * (total / (total - 1).clamp(min=1e-6))).detach())
        scale = (variance + self.eps).rsqrt()
        out = (x - mean.view(by_channel)) * (scale if self.weight is None else scale * self.weight).view(by_channel)
        return (out if self.bias is None else out + self.bias.view(by_channel)).to(given)

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept inputs with any number of axes, unlike torch's BatchNorm2d."""


def synced(module: Module) -> Module:
    """Replace each BatchNorm inside ``module``, in place, with a :class:`SyncNorm`, and return ``module``.

    Parameters and buffers are kept. If ``module`` is a BatchNorm itself, its replacement is returned.

    Raises
    ------
    InputError
        If the module contains a subclass of BatchNorm that cannot be synchronized.
    """
    return cast(Module, _synced(module, {}))


def _synced(module: nn.Module, done: dict[nn.Module, SyncNorm]) -> nn.Module:
    if isinstance(module, _BatchNorm) and not isinstance(module, SyncNorm):
        if type(module) not in KNOWN:
            raise InputError(
                f"{type(module).__name__} cannot be synchronized across processes; set train.batch_norm = 'local'"
            )
        if module not in done:
            done[module] = _replacement(module)
        return done[module]
    for name, child in module._modules.items():
        module._modules[name] = None if child is None else _synced(child, done)
    return module


def _replacement(norm: _BatchNorm) -> SyncNorm:
    made = SyncNorm(norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats)
    made.train(norm.training)
    made._parameters, made._buffers = norm._parameters, norm._buffers
    return made
