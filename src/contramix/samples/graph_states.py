"""Hold the state of graphs inside an encoder: node features, which cannot be mixed, and pooled vectors, which can."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.samples.graphs import Graphs
from contramix.types import Mixture, RaggedBatch


@dataclass(frozen=True, eq=False)
class GraphStates(RaggedBatch):
    """Hold a batch of graphs after some layers of an encoder.

    Operators mix ``values``, the vectors pooled so far. Nodes are not mixed: layers after the cut pool the nodes of the
    sample itself.

    Parameters
    ----------
    values
        Pooled vector of each graph, of width 0 before the first layer.
    graphs
        The graphs, with the input features of nodes.
    layers
        Node features after each layer.
    """

    values: Float[Tensor, " B p"]
    graphs: Graphs
    layers: tuple[Float[Tensor, " N _"], ...] = ()

    @classmethod
    def from_graphs(cls, graphs: Graphs) -> "GraphStates":
        """Return the state of graphs before the first layer."""
        return cls(graphs.x.new_zeros(len(graphs), 0), graphs)

    @property
    def nodes(self) -> Float[Tensor, " N F"]:
        """Return the node features after the last layer, or the input features before the first."""
        return self.layers[-1] if self.layers else self.graphs.x

    def append_layer(self, nodes: Float[Tensor, " N w"]) -> "GraphStates":
        """Return the state after one more layer of node features, and append their sums per graph to ``values``."""
        values = torch.cat([self.values, self.graphs.sum_nodes(nodes)], 1)
        return replace(self, values=values, layers=(*self.layers, nodes))

    def with_values(self, values: Float[Tensor, " B p"]) -> "GraphStates":
        """Return the same graphs with other pooled vectors."""
        return replace(self, values=values)

    def apply_mixture(self, mixed: Mixture) -> "GraphStates":
        """Return the same graphs with mixed pooled vectors. Nodes and edges are not mixed."""
        return replace(self, values=mixed.x)

    @classmethod
    def concatenate(cls, parts: "Sequence[GraphStates]") -> "GraphStates":
        """Concatenate batches after the same layers along the sample axis."""
        layers = tuple(torch.cat(each) for each in zip(*(part.layers for part in parts)))
        values = torch.cat([part.values for part in parts])
        return cls(values, Graphs.concatenate([part.graphs for part in parts]), layers)

    def split(self, sizes: Sequence[int]) -> "tuple[GraphStates, ...]":
        """Split the batch along the sample axis into batches of the given sizes."""
        parts, first = [], 0
        for values in torch.split(self.values, list(sizes)):
            rows = slice(first, first + len(values))
            graphs = self.graphs[rows]
            start = int(self.graphs.node_counts[:first].sum())
            nodes = slice(start, start + len(graphs.x))
            parts.append(GraphStates(values, graphs, tuple(layer[nodes] for layer in self.layers)))
            first = rows.stop
        return tuple(parts)
