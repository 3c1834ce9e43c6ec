"""Define the base classes of contrastive methods: networks that encode queries and keys, and a loss."""

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
    """Define the settings that all contrastive methods share, and ``build``, which makes the trainable module.

    Parameters
    ----------
    projector
        Projection head after the encoder, which is discarded after pre-training.
    symmetric
        Whether each view is used once as query and once as key, with the two losses averaged.
    passes
        Whether queries and keys are encoded in ``"one"`` forward pass, with common BatchNorm statistics, as in the
        authors' code of i-Mix, or in ``"two"``, as in the pseudo-code of the paper. Methods with a momentum network
        always use two.
    gather
        In distributed training: whether queries are compared with the keys of all processes, as if one process trained
        on the full batch. If False, they are compared with the keys of the same process only.
    """

    projector: Head = Head()
    symmetric: bool = False
    passes: Literal["one", "two"] = "one"
    gather: bool = True

    @property
    def imix_unsupported_reason(self) -> str | None:
        """Return a message that says why i-Mix cannot be used with these settings, or None if it can be used."""
        return None

    @abstractmethod
    def build(self, encoder: Encoder) -> "Method":
        """Build the trainable module, which consists of the encoder, the heads and the loss.

        The initial weights of the heads come from torch's global random generator.
        """


class Network(nn.Module):
    """Apply an encoder, a projection head and L2 normalization."""

    def __init__(self, encoder: Encoder, projector: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.projector = projector

    def forward(self, x: Activations, cut: str = "input") -> Float[Tensor, " B p"]:
        """Encode a batch as unit vectors, starting from the output of any stage of the encoder.

        ``x`` is the output of the stage named ``cut``, or the encoder's input if ``cut`` is ``"input"``. The stages
        after the cut, the projection head and the normalization are applied.
        """
        return l2_normalize(self.projector(self.encoder.run(x, start=cut)))


def l2_normalize(z: Float[Tensor, " B p"]) -> Float[Tensor, " B p"]:
    """Divide each vector by its Euclidean norm. Half precision is first converted to float32."""
    return normalize(at_least_float32(z), dim=1)


class Method(nn.Module, ABC):
    """Define the interface of a contrastive method, which encodes two views and compares them in a loss.

    ``online`` is the network that encodes queries, and ``target`` the one that encodes keys. In SimCLR, N-pair and
    SimSiam they are the same network.

    Attributes
    ----------
    all_views_are_keys
        Whether all 2N views of a batch of N samples are both queries and keys in one loss, as in SimCLR.
    last_noise_cut
        Last place in the encoder at which noise may be applied: ``"output"`` or the name of a stage.
    """

    all_views_are_keys: bool = False
    last_noise_cut: str = "output"

    def __init__(self, settings: MethodSettings, encoder: Encoder) -> None:
        super().__init__()
        self.symmetric = settings.symmetric
        self.passes = settings.passes
        # Number of groups in a batch whose samples are compared only with one another.
        self.local_groups = 1 if settings.gather else distributed.world_size()
        self.online = Network(encoder, settings.projector.build(encoder.width))

    @property
    def target(self) -> Network:
        """Return the network that encodes keys; by default the same as for queries."""
        return self.online

    def encode(self, views: Views) -> tuple[Float[Tensor, " Q p"], Float[Tensor, " K p"]]:
        """Encode both views with the online network, and return the queries and the keys as unit vectors.

        If both views are the same object, it is encoded once, and the same tensor is returned twice.
        """
        if views.query is views.key:
            z = self.online(views.query, views.cut)
            return z, z
        if self.passes == "two":
            return self.online(views.query, views.cut), self.online(views.key, views.cut)
        both = self.online(concatenate([views.query, views.key]), views.cut)
        query, key = both.split([len(views.query), len(views.key)])
        return query, key

    def all_keys(self, key: Float[Tensor, " K p"]) -> tuple[Float[Tensor, " A p"], int]:
        """Return the keys with which queries are compared, and the index of this process's first key among them.

        ``key`` holds the keys of this process. The result holds the keys of all processes, in order of their ranks. If
        the setting ``gather`` is False, the result is ``key`` itself and 0.
        """
        return (distributed.all_gather(key), distributed.rank() * len(key)) if self.local_groups == 1 else (key, 0)

    @abstractmethod
    def loss(self, views: Views) -> Float[Tensor, ""]:
        """Compute the loss, a scalar, for the two views of a batch."""

    def bounds(self, views: Views, batch: int) -> Bounds:
        """Return the smallest possible loss and the loss at chance level. The default is NaN for both: unknown.

        They are estimated from ``views``, for training with batches of ``batch`` samples. ``views`` may hold fewer
        samples than that.
        """
        return Bounds(math.nan, math.nan)

    def after_step(self) -> None:
        """Update momentum networks and queues of keys; called after each optimizer step."""


class Momentum(nn.Module):
    """Maintain ``network``, a moving average of the online network: ``network <- m * network + (1 - m) * online``.

    ``momentum`` is m. If ``copy_buffers`` is True, each update copies BatchNorm's running statistics from the online
    network; otherwise ``network`` computes its own.
    """

    def __init__(self, online: Network, momentum: float, copy_buffers: bool) -> None:
        super().__init__()
        self.network = deepcopy(online).requires_grad_(False)
        self.copy_buffers = copy_buffers
        self._average = get_ema_multi_avg_fn(momentum)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def encode(self, key: Activations, cut: str) -> Float[Tensor, " K p"]:
        """Encode keys as unit vectors with the moving average, without gradient.

        ``key`` is the output of the encoder stage named ``cut``, or the encoder's input if ``cut`` is ``"input"``.
        """
        z: Tensor = self.network(key, cut)
        return z

    @torch.no_grad()
    def update(self, online: Network) -> None:
        """Update the moving average with the current parameters of the online network.

        If ``copy_buffers`` is True, the online network's buffers are copied.
        """
        self._average(tuple(self.network.parameters()), tuple(online.parameters()), 1)
        if self.copy_buffers:
            for mine, theirs in zip(self.network.buffers(), online.buffers()):
                mine.copy_(theirs)
