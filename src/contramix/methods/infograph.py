"""Implement InfoGraph, which decides from vectors whether a node belongs to a graph (Sun et al., ICLR 2020)."""

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
    """Maximize the mutual information of node and graph representations by the Jensen-Shannon estimator.

    A node and its own graph are a positive pair; a node and any other graph of the batch are a negative pair. This is a
    baseline for graphs: nothing is mixed, and there is only one view. It needs an encoder that pools nodes, such as
    ``gin``, and has its own heads; ``projector`` is not used.

    Raises
    ------
    InputError
        If the encoder does not pool nodes.
    """

    @property
    def imix_unsupported_reason(self) -> str | None:
        """Return why i-Mix cannot be used: there are no virtual labels."""
        return "InfoGraph compares nodes with graphs, and there are no virtual labels to mix; leave imix out"

    def build(self, encoder: Encoder) -> "InfoGraphMethod":
        """Build the method around an encoder."""
        return InfoGraphMethod(self, encoder)


class InfoGraphMethod(Method):
    """Compare nodes and graphs by the inner product of the outputs of two heads."""

    def __init__(self, settings: InfoGraph, encoder: Encoder) -> None:
        super().__init__(settings.model_copy(update={"passes": "two", "symmetric": False}), encoder)
        if "readout" not in encoder.all_cuts:
            raise InputError("method 'infograph' compares nodes with graphs: it needs graphs and encoder 'gin'")
        self.last_noise_cut = encoder.all_cuts[encoder.all_cuts.index("readout") - 1]
        self.online.projector = Shortcut(encoder.width)
        self.local = Shortcut(encoder.width)

    def loss(self, views: Views) -> Float[Tensor, ""]:
        """Return the loss of the first view; the second view is ignored."""
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
    """Add the outputs of a three-layer network and of a linear shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers = [layer for _ in range(3) for layer in (nn.Linear(width, width), nn.ReLU())]
        self.deep, self.past = nn.Sequential(*layers), nn.Linear(width, width)

    def forward(self, x: Float[Tensor, " n w"]) -> Float[Tensor, " n w"]:
        """Map vectors to vectors of the same size."""
        out: Tensor = self.deep(x) + self.past(x)
        return out


def jensen_shannon(score: Float[Tensor, " N B"], graph: Tensor) -> Float[Tensor, ""]:
    """Return ``E_negative - E_positive`` of the Jensen-Shannon estimator; lower means more mutual information.

    ``score`` holds the score T of each node with each graph, and ``graph`` the graph of each node. A positive pair
    contributes ``log 2 - softplus(-T)`` and a negative pair ``softplus(-T) + T - log 2`` (Nowozin et al., NeurIPS 2016;
    equation 4 of InfoGraph).
    """
    nodes, graphs = score.shape
    own = score.gather(1, graph[:, None])
    positive = (math.log(2) - softplus(-own)).sum() / max(1, nodes)
    # softplus(-T) + T = softplus(T)
    others = softplus(score).scatter(1, graph[:, None], 0.0)
    negative = others.sum() / max(1, nodes * (graphs - 1)) - math.log(2)
    return negative - positive
