"""Represent the activations of a graph encoder: node features per layer, and one pooled vector per graph.

Pooled vectors of two graphs can be mixed. Node features cannot, because graphs differ in their number of nodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.samples.graphs import Graphs
from contramix.types import Mixture, RaggedBatch


@dataclass(frozen=True, eq=False)
class GraphStates(RaggedBatch):
    """Represent the activations of a batch of B graphs between two layers of a graph encoder.

    Mixing operators change only ``values``. The following layers continue with the unmixed nodes of each graph.

    Parameters
    ----------
    values
        Pooled vector of each graph, shape (B, p): the sums of its node features after each layer, concatenated. The
        width p is 0 before the first layer.
    graphs
        The input graphs, with N nodes in total.
    layers
        Output of each layer so far: features of all nodes, shape (N, width of the layer).
    """

    values: Float[Tensor, " B p"]
    graphs: Graphs
    layers: tuple[Float[Tensor, " N _"], ...] = ()

    @classmethod
    def from_graphs(cls, graphs: Graphs) -> "GraphStates":
        """Return the states that enter the first layer: the graphs, with pooled vectors of width 0."""
        return cls(graphs.x.new_zeros(len(graphs), 0), graphs)

    @property
    def nodes(self) -> Float[Tensor, " N F"]:
        """Return the features of all nodes after the last layer, or the input features if no layer has run yet."""
        return self.layers[-1] if self.layers else self.graphs.x

    def append_layer(self, nodes: Float[Tensor, " N w"]) -> "GraphStates":
        """Return the states after one more layer, whose output for all nodes is ``nodes``.

        The sum of ``nodes`` per graph is appended to the pooled vectors ``values``.
        """
        values = torch.cat([self.values, self.graphs.sum_nodes(nodes)], 1)
        return replace(self, values=values, layers=(*self.layers, nodes))

    def with_values(self, values: Float[Tensor, " B p"]) -> "GraphStates":
        """Return a copy in which ``values`` replaces the pooled vectors. Graphs and node features stay the same."""
        return replace(self, values=values)

    def apply_mixture(self, mixed: Mixture) -> "GraphStates":
        """Return a copy with the mixed pooled vectors ``mixed.x``. Nodes and edges are not mixed."""
        return replace(self, values=mixed.x)

    @classmethod
    def concatenate(cls, parts: "Sequence[GraphStates]") -> "GraphStates":
        """Concatenate batches of graphs that have passed through the same layers into one batch."""
        layers = tuple(torch.cat(each) for each in zip(*(part.layers for part in parts)))
        values = torch.cat([part.values for part in parts])
        return cls(values, Graphs.concatenate([part.graphs for part in parts]), layers)

    def split(self, sizes: Sequence[int]) -> "tuple[GraphStates, ...]":
        """Split the batch into consecutive batches with the given numbers of graphs."""
        parts, first = [], 0
        for values in torch.split(self.values, list(sizes)):
            rows = slice(first, first + len(values))
            graphs = self.graphs[rows]
            start = int(self.graphs.node_counts[:first].sum())
            nodes = slice(start, start + len(graphs.x))
            parts.append(GraphStates(values, graphs, tuple(layer[nodes] for layer in self.layers)))
            first = rows.stop
        return tuple(parts)
