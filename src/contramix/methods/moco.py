"""Implement MoCo, with a momentum network and a queue of negative keys (He et al., 2020; i-Mix, section 3.3)."""

from typing import Literal

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor
from torch.nn.functional import normalize

from contramix.encoders.encoder import Encoder
from contramix.methods.loss_bounds import Bounds, nce_bounds
from contramix.methods.losses import info_nce, own_key_nce
from contramix.methods.method import Method, MethodSettings, Momentum, Network
from contramix.runtime import distributed
from contramix.types import Views


class MoCo(MethodSettings):
    """Configure MoCo, either with the loss of MoCo v2 or with the revised loss, which i-Mix needs.

    Parameters
    ----------
    temperature
        Number by which similarities are divided.
    form
        ``"revised"`` compares each query with all keys of the batch and the queue. i-Mix needs it, because a mixed
        query also matches the key of another sample. ``"original"`` is MoCo v2: each query is compared with its own
        key and the queue.
    queue
        Number of past keys used as negatives.
    momentum
        Momentum m of the key network.
    buffers
        Running BatchNorm statistics of the key network: computed by its ``"own"`` forward passes (as in MoCo's code),
        or a ``"copy"`` of those of the online network.
    """

    temperature: float = Field(default=0.2, gt=0)
    form: Literal["revised", "original"] = "revised"
    queue: int = Field(default=4096, ge=1, le=10_000_000)
    momentum: float = Field(default=0.999, ge=0, le=1)
    buffers: Literal["own", "copy"] = "own"

    @property
    def imix_unsupported_reason(self) -> str | None:
        """Return a message that says why i-Mix cannot be used if ``form`` is ``"original"``; None if ``"revised"``."""
        if self.form == "revised":
            return None
        return (
            "i-Mix needs MoCo's revised form: a mixture's second label is another sample's key, which the "
            "original form leaves out; set method.form = 'revised'"
        )

    def build(self, encoder: Encoder) -> "MoCoMethod":
        return MoCoMethod(self, encoder)


class MoCoMethod(Method):
    """Compare queries from the online network with keys from the momentum network and with a queue of past keys.

    ``queue`` holds the past keys as unit vectors, shape (queue size, size of a projection), and ``position`` the row
    that the next key will overwrite.
    """

    queue: Tensor
    position: Tensor

    def __init__(self, settings: MoCo, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        self.temperature, self.original = settings.temperature, settings.form == "original"
        self.momentum = Momentum(self.online, settings.momentum, settings.buffers == "copy")
        self.register_buffer("queue", normalize(torch.randn(settings.queue, settings.projector.out), dim=1))
        self.register_buffer("position", torch.zeros((), dtype=torch.long))
        self._fresh: list[Tensor] = []

    @property
    def target(self) -> Network:
        return self.momentum.network

    def loss(self, views: Views) -> Float[Tensor, ""]:
        query = self.online(views.query, views.cut)  # (N, p)
        key = self.momentum.encode(views.key, views.cut)  # (N, p), no gradient
        keys, before = self.all_keys(key)
        # The queue always gets the keys of all processes, so that it is the same in each.
        self._fresh.append(keys if self.local_groups == 1 else distributed.all_gather(key))
        queue = self.queue.clone()
        if self.original:
            return own_key_nce(query, key, queue, self.temperature)
        return info_nce(query, keys, views.targets.with_offset(before), self.temperature, queue=queue)

    def bounds(self, views: Views, batch: int) -> Bounds:
        """Return the smallest possible loss and the loss at chance level, for training with batches of size ``batch``.

        All keys of the queue are assumed to come from samples other than those in the batch.
        """
        others = 1 if self.original else batch // self.local_groups
        return nce_bounds(views.targets, self.temperature, rows=len(self.queue) + others)

    @torch.no_grad()
    def after_step(self) -> None:
        """Update the momentum network, and replace the oldest keys of the queue with those of the last step."""
        self.momentum.update(self.online)
        for key in self._fresh:
            size = len(self.queue)
            newest = key[-size:]
            # NOTE[DIFF]: the published code requires the queue size to be a multiple of the batch size; here it wraps.
            place = (self.position + torch.arange(len(newest), device=key.device)) % size
            self.queue[place] = newest
            self.position.add_(len(newest)).remainder_(size)
        self._fresh.clear()
