"""What a method is: networks for queries and keys, and a loss of the two against soft targets."""

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
from contramix.runtime.precision import full
from contramix.settings import Settings
from contramix.types import Activations, Views, joined


class MethodSettings(Settings, ABC):
    """Settings of a method, which ``build`` turns into a module.

    Parameters
    ----------
    projector
        The head g behind the encoder; it is thrown away after pre-training.
    symmetric
        Let each view be query once and key once, and take the mean of the two losses.
    passes
        Encode queries and keys in ``"one"`` pass (shared BatchNorm statistics, the published code) or in
        ``"two"`` (the pseudo-code). Methods with a second network always use two.
    gather
        Where several processes train: compare queries with the keys of all of them, as one process with the whole
        batch would, or (the published N-pair code) with those of their own process only.
    """

    projector: Head = Head()
    symmetric: bool = False
    passes: Literal["one", "two"] = "one"
    gather: bool = True

    @property
    def without_imix(self) -> str | None:
        """Why its loss cannot express a label that names several keys; None: it can."""
        return None

    @abstractmethod
    def build(self, encoder: Encoder) -> "Method":
        """Make the method around an encoder; weights of heads come from torch's global generator."""


class Network(nn.Module):
    """f = g(h(.)): an encoder and its projector, then unit length."""

    def __init__(self, encoder: Encoder, projector: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = projector

    def forward(self, x: Activations, cut: str = "input") -> Float[Tensor, " B p"]:
        """Activations behind a cut to unit vectors."""
        return unit(self.projector(self.encoder.run(x, start=cut)))


def unit(z: Float[Tensor, " B p"]) -> Float[Tensor, " B p"]:
    """Vectors of length 1, in float32 at least."""
    return normalize(full(z), dim=1)


class Method(nn.Module, ABC):
    """Networks and a loss. ``online`` encodes queries, ``target`` encodes keys; often they are one."""

    mutual: bool = False
    """Every view is a query and a key, all in one turn (SimCLR)."""
    latest: str = "output"
    """The last cut at which its views may stand."""

    def __init__(self, settings: MethodSettings, encoder: Encoder) -> None:
        super().__init__()
        self.symmetric = settings.symmetric
        self.passes = settings.passes
        # How many parts of a batch are compared within themselves only.
        self.parts = 1 if settings.gather else distributed.size()
        self.online = Network(encoder, settings.projector.build(encoder.width))

    @property
    def target(self) -> Network:
        """The network that encodes keys."""
        return self.online

    def encode(self, views: Views) -> tuple[Float[Tensor, " Q p"], Float[Tensor, " K p"]]:
        """Unit vectors of queries and keys."""
        if views.query is views.key:
            z = self.online(views.query, views.cut)
            return z, z
        if self.passes == "two":
            return self.online(views.query, views.cut), self.online(views.key, views.cut)
        both = self.online(joined([views.query, views.key]), views.cut)
        query, key = both.split([len(views.query), len(views.key)])
        return query, key

    def all_keys(self, key: Float[Tensor, " K p"]) -> tuple[Float[Tensor, " A p"], int]:
        """The keys to compare with, of all processes if they are gathered, and how many stand before one's own."""
        return (distributed.gathered(key), distributed.rank() * len(key)) if self.parts == 1 else (key, 0)

    @abstractmethod
    def loss(self, views: Views) -> Float[Tensor, ""]:
        """The loss of a batch."""

    def bounds(self, views: Views, batch: int) -> Bounds:
        """Floor and chance of the loss of ``batch`` samples with labels such as these; NaN: not known."""
        return Bounds(math.nan, math.nan)

    def after_step(self) -> None:
        """What happens once the optimiser has moved the weights."""


class Momentum(nn.Module):
    """A second network whose weights follow the first: ``target <- m * target + (1 - m) * online``.

    Buffers (BatchNorm's running statistics) are the target's own, as in the published code, or copied.
    """

    def __init__(self, online: Network, momentum: float, copy_buffers: bool) -> None:
        super().__init__()
        self.network = deepcopy(online).requires_grad_(False)
        self.copy_buffers = copy_buffers
        self._average = get_ema_multi_avg_fn(momentum)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def encode(self, key: Activations, cut: str) -> Float[Tensor, " K p"]:
        """Unit vectors that get no gradient."""
        z: Tensor = self.network(key, cut)
        return z

    @torch.no_grad()
    def follow(self, online: Network) -> None:
        """Move one step towards the online network."""
        self._average(tuple(self.network.parameters()), tuple(online.parameters()), 1)
        if self.copy_buffers:
            for mine, theirs in zip(self.network.buffers(), online.buffers()):
                mine.copy_(theirs)
