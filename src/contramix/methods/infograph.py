"""InfoGraph: each node is told whether it lies in a graph, from their vectors (Sun et al., ICLR 2020)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from contramix.encoders.encoder import Encoder
from contramix.errors import InputError
from contramix.methods.method import Method, MethodSettings
from contramix.runtime import distributed
from contramix.runtime.precision import full
from contramix.samples.graph_states import NodeStates
from contramix.types import Views


class InfoGraph(MethodSettings):
    """Maximise the mutual information of local (node) and global (graph) representations, by the Jensen-Shannon
    estimator: nodes and the graph that they lie in are positives, nodes and the other graphs of the batch negatives.

    A baseline for graphs: nothing is mixed, and there is one view. It needs an encoder that pools nodes, such as
    ``gin``, and has heads of its own; ``projector`` is not used.

    Raises
    ------
    InputError
        Where the encoder pools no nodes.
    """

    @property
    def without_imix(self) -> str | None:
        """There are no labels to mix."""
        return "InfoGraph compares nodes with graphs, and there are no virtual labels to mix; leave imix out"

    def build(self, encoder: Encoder) -> "InfoGraphMethod":
        """Make the method around an encoder."""
        return InfoGraphMethod(self, encoder)


class InfoGraphMethod(Method):
    """The encoder, and two heads whose outputs are compared by their product."""

    def __init__(self, settings: InfoGraph, encoder: Encoder) -> None:
        super().__init__(settings.model_copy(update={"passes": "two", "symmetric": False}), encoder)
        if "readout" not in encoder.places:
            raise InputError("method 'infograph' compares nodes with graphs: it needs graphs and encoder 'gin'")
        self.latest = encoder.places[encoder.places.index("readout") - 1]
        self.online.projector = Shortcut(encoder.width)
        self.local = Shortcut(encoder.width)

    def loss(self, views: Views) -> Float[Tensor, ""]:
        """Of one view; the other is not looked at."""
        state = self.online.encoder.run(views.query, start=views.cut, stop=self.latest)
        if not isinstance(state, NodeStates):
            raise TypeError("stages before 'readout' give nodes")
        node = self.local(torch.cat(state.layers, 1))
        graphs, before = self.all_keys(self.online.projector(state.values))
        loss = jensen_shannon(full(node @ graphs.T), state.graphs.graph + before)
        if distributed.size() == 1:
            return loss
        # The mean is over nodes, of which processes have more and fewer.
        nodes = graphs.new_tensor(float(len(node)), dtype=torch.float64)
        return loss * (nodes / distributed.mean(nodes) if self.parts == 1 else 1.0)


class Shortcut(nn.Module):
    """Three layers and a linear way past them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers = [layer for _ in range(3) for layer in (nn.Linear(width, width), nn.ReLU())]
        self.deep, self.past = nn.Sequential(*layers), nn.Linear(width, width)

    def forward(self, x: Float[Tensor, " n w"]) -> Float[Tensor, " n w"]:
        """Vectors to vectors."""
        out: Tensor = self.deep(x) + self.past(x)
        return out


def jensen_shannon(score: Float[Tensor, " N B"], graph: Tensor) -> Float[Tensor, ""]:
    """``E_negative - E_positive`` of the estimator, for scores of nodes with graphs; lower is more information.

    With ``T`` a pair's score, positives count ``log 2 - softplus(-T)`` and negatives ``softplus(-T) + T - log 2``
    (Nowozin et al., NeurIPS 2016); equation 4 of InfoGraph.
    """
    nodes, graphs = score.shape
    own = score.gather(1, graph[:, None])
    positive = (math.log(2) - softplus(-own)).sum() / max(1, nodes)
    # softplus(-T) + T = softplus(T)
    others = softplus(score).scatter(1, graph[:, None], 0.0)
    negative = others.sum() / max(1, nodes * (graphs - 1)) - math.log(2)
    return negative - positive
