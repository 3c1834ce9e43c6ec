"""Implement InfoGraph, which learns to tell which graph a node belongs to (Sun et al., ICLR 2020)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from contramix.encoders.encoder import Encoder
from contramix.errors import InputError
from contramix.methods.method import Method, MethodSettings
from contramix.runtime import distributed
from contramix.runtime.precision import at_least_float32
from contramix.samples.graph_states import GraphStates
from contramix.types import Views


class InfoGraph(MethodSettings):
    """Configure InfoGraph, which maximizes the mutual information between node and graph representations.

    A node and its graph are a positive pair; a node and any other graph of the batch are a negative pair. Nothing is
    mixed, and only one view of each graph is used. The encoder must have a stage ``readout``, as ``gin`` has. The
    setting ``projector`` is not used, because InfoGraph has its own heads.
    """

    @property
    def imix_unsupported_reason(self) -> str | None:
        """Return a message that says why i-Mix cannot be used: InfoGraph has no virtual labels to mix."""
        return "InfoGraph compares nodes with graphs, and there are no virtual labels to mix; leave imix out"

    def build(self, encoder: Encoder) -> "InfoGraphMethod":
        """Build the trainable module, which consists of the encoder and InfoGraph's heads for graphs and for nodes.

        Raises
        ------
        InputError
            If the encoder has no stage ``readout``, which pools the nodes of each graph.
        """
        return InfoGraphMethod(self, encoder)


class InfoGraphMethod(Method):
    """Score each pair of a node and a graph with the inner product of their outputs of two heads."""

    def __init__(self, settings: InfoGraph, encoder: Encoder) -> None:
        super().__init__(settings.model_copy(update={"passes": "two", "symmetric": False}), encoder)
        if "readout" not in encoder.all_cuts:
            raise InputError("method 'infograph' compares nodes with graphs: it needs graphs and encoder 'gin'")
        self.last_noise_cut = encoder.all_cuts[encoder.all_cuts.index("readout") - 1]
        self.online.projector = Shortcut(encoder.width)
        self.local = Shortcut(encoder.width)

    def loss(self, views: Views) -> Float[Tensor, ""]:
        """Compute the loss from the first view, ``views.query``; the second view is ignored."""
        state = self.online.encoder.run(views.query, start=views.cut, stop=self.last_noise_cut)
        if not isinstance(state, GraphStates):
            raise TypeError("stages before 'readout' give nodes")
        node = self.local(torch.cat(state.layers, 1))
        graphs, before = self.all_keys(self.online.projector(state.values))
        loss = jensen_shannon(at_least_float32(node @ graphs.T), state.graphs.graph + before)
        if distributed.world_size() == 1:
            return loss
        # The mean is over nodes, and each process holds a different number of them.
        nodes = graphs.new_tensor(float(len(node)), dtype=torch.float64)
        return loss * (nodes / distributed.all_reduce_mean(nodes) if self.local_groups == 1 else 1.0)


class Shortcut(nn.Module):
    """Apply a head of three linear layers with ReLU, with a linear shortcut from its input added to its output."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers = [layer for _ in range(3) for layer in (nn.Linear(width, width), nn.ReLU())]
        self.deep, self.past = nn.Sequential(*layers), nn.Linear(width, width)

    def forward(self, x: Float[Tensor, " n w"]) -> Float[Tensor, " n w"]:
        """Return the sum of the outputs of the three layers and of the shortcut. It has the shape of the input."""
        out: Tensor = self.deep(x) + self.past(x)
        return out


def jensen_shannon(score: Float[Tensor, " N B"], graph: Tensor) -> Float[Tensor, ""]:
    """Compute InfoGraph's loss, the negative Jensen-Shannon estimate of the mutual information of nodes and graphs.

    ``score`` holds the score T of each of N nodes with each of B graphs, and ``graph``, of shape (N,), the index of
    each node's graph. A node and its own graph are a positive pair, with the value ``log 2 - softplus(-T)``. A node and
    any other graph are a negative pair, with the value ``softplus(-T) + T - log 2``. The loss is the mean over negative
    pairs minus the mean over positive pairs (Nowozin et al., NeurIPS 2016; equation 4 of InfoGraph).
    """
    nodes, graphs = score.shape
    own = score.gather(1, graph[:, None])
    positive = (math.log(2) - softplus(-own)).sum() / max(1, nodes)
    # softplus(-T) + T = softplus(T)
    others = softplus(score).scatter(1, graph[:, None], 0.0)
    negative = others.sum() / max(1, nodes * (graphs - 1)) - math.log(2)
    return negative - positive
