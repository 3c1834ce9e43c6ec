"""Define the interface of methods: networks for queries and keys, and a loss against soft targets."""

import math
from abc import ABC, abstractmethod
from copy import deepcopy
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.optim.swa_utils import get_ema_multi_avg_fn

from contramix.encoders.encoder import Encoder
from contramix.methods.heads import Head
from contramix.methods.loss_bounds import Bounds
from contramix.runtime import distributed
from contramix.runtime.precision import at_least_float32
from contramix.settings import Settings
from contramix.types import Activations, Views, concatenate


class MethodSettings(Settings, ABC):
    """Hold the settings of a method; ``build`` turns them into a module.

    Parameters
    ----------
    projector
        The head g after the encoder. It is discarded after pre-training.
    symmetric
        Use each view once as query and once as key, and average the two losses.
    passes
        Encode queries and keys in ``"one"`` forward pass (shared BatchNorm statistics, the published code) or in
        ``"two"`` (the pseudo-code). Methods with a momentum network always use two.
    gather
        With several processes: compare queries with the keys of all processes, as a single process with the full batch
        would. False compares with the keys of the own process only (the published N-pair code).
    """

    projector: Head = Head()
    symmetric: bool = False
    passes: Literal["one", "two"] = "one"
    gather: bool = True

    @property
    def imix_unsupported_reason(self) -> str | None:
        """Return why i-Mix cannot be used with these settings, or None if it can."""
        return None

    @abstractmethod
    def build(self, encoder: Encoder) -> "Method":
        """Build the method around an encoder, with the heads' weights drawn from torch's global generator."""


class Network(nn.Module):
    """Compute f = g(h(.)): an encoder, its projector, and L2 normalization."""

    def __init__(self, encoder: Encoder, projector: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = projector

    def forward(self, x: Activations, cut: str = "input") -> Float[Tensor, " B p"]:
        """Map activations at a cut to unit vectors."""
        return l2_normalize(self.projector(self.encoder.run(x, start=cut)))


def l2_normalize(z: Float[Tensor, " B p"]) -> Float[Tensor, " B p"]:
    """Normalize vectors to length 1, in at least float32."""
    return normalize(at_least_float32(z), dim=1)


class Method(nn.Module, ABC):
    """Hold the networks of a method and compute its loss.

    ``online`` encodes queries and ``target`` encodes keys; in many methods both are the same network.
    """

    all_views_are_keys: bool = False
    """Whether each of the 2N views is both a query and a key in one loss (SimCLR)."""
    last_noise_cut: str = "output"
    """The last cut at which noise may be applied."""

    def __init__(self, settings: MethodSettings, encoder: Encoder) -> None:
        super().__init__()
        self.symmetric = settings.symmetric
        self.passes = settings.passes
        # Number of groups in a batch whose samples are compared only with one another.
        self.local_groups = 1 if settings.gather else distributed.world_size()
        self.online = Network(encoder, settings.projector.build(encoder.width))

    @property
    def target(self) -> Network:
        """Return the network that encodes keys."""
        return self.online

    def encode(self, views: Views) -> tuple[Float[Tensor, " Q p"], Float[Tensor, " K p"]]:
        """Encode queries and keys as unit vectors."""
        if views.query is views.key:
            z = self.online(views.query, views.cut)
            return z, z
        if self.passes == "two":
            return self.online(views.query, views.cut), self.online(views.key, views.cut)
        both = self.online(concatenate([views.query, views.key]), views.cut)
        query, key = both.split([len(views.query), len(views.key)])
        return query, key

    def all_keys(self, key: Float[Tensor, " K p"]) -> tuple[Float[Tensor, " A p"], int]:
        """Return the keys to compare with, of all processes if gathered, and the number of keys before one's own."""
        return (distributed.all_gather(key), distributed.rank() * len(key)) if self.local_groups == 1 else (key, 0)

    @abstractmethod
    def loss(self, views: Views) -> Float[Tensor, ""]:
        """Compute the loss of a batch."""

    def bounds(self, views: Views, batch: int) -> Bounds:
        """Compute floor and chance level of the loss of ``batch`` samples with such labels; NaN if unknown."""
        return Bounds(math.nan, math.nan)

    def after_step(self) -> None:
        """Update momentum networks and queues after an optimizer step."""


class Momentum(nn.Module):
    """Hold a moving average of the online network: ``target <- m * target + (1 - m) * online``.

    Buffers (BatchNorm's running statistics) are either the target's own, as in the published code, or copied.
    """

    def __init__(self, online: Network, momentum: float, copy_buffers: bool) -> None:
        super().__init__()
        self.network = deepcopy(online).requires_grad_(False)
        self.copy_buffers = copy_buffers
        self._average = get_ema_multi_avg_fn(momentum)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def encode(self, key: Activations, cut: str) -> Float[Tensor, " K p"]:
        """Encode keys as unit vectors without gradient."""
        z: Tensor = self.network(key, cut)
        return z

    @torch.no_grad()
    def update(self, online: Network) -> None:
        """Move the average one step towards the online network."""
        self._average(tuple(self.network.parameters()), tuple(online.parameters()), 1)
        if self.copy_buffers:
            for mine, theirs in zip(self.network.buffers(), online.buffers()):
                mine.copy_(theirs)
