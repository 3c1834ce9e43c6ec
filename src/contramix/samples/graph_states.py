"""Graphs on their way through layers: nodes, which cannot be mixed, and what was pooled of them, which can."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from contramix.samples.graphs import Graphs
from contramix.types import Mixed, Ragged


@dataclass(frozen=True, eq=False)
class GraphStates(Ragged):
    """A batch of graphs behind some layers.

    What is mixed is ``values``, all that was pooled so far. The nodes stay each graph's own, so a layer behind the one
    where graphs were mixed adds what it pools of the sample's own nodes.

    Parameters
    ----------
    values
        One vector a graph; of width 0 before the first layer.
    graphs
        Nodes' first features, and edges.
    layers
        The nodes' features behind each layer.
    """

    values: Float[Tensor, " B p"]
    graphs: Graphs
    layers: tuple[Float[Tensor, " N _"], ...] = ()

    @classmethod
    def of(cls, graphs: Graphs) -> "GraphStates":
        """Graphs before the first layer."""
        return cls(graphs.x.new_zeros(len(graphs), 0), graphs)

    @property
    def nodes(self) -> Float[Tensor, " N F"]:
        """The nodes' features as they are now."""
        return self.layers[-1] if self.layers else self.graphs.x

    def then(self, nodes: Float[Tensor, " N w"]) -> "GraphStates":
        """Behind one more layer, whose nodes are added up for each graph, and stand behind what was pooled before."""
        values = torch.cat([self.values, self.graphs.sums(nodes)], 1)
        return replace(self, values=values, layers=(*self.layers, nodes))

    def replaced(self, values: Float[Tensor, " B p"]) -> "GraphStates":
        """The same graphs with something else pooled."""
        return replace(self, values=values)

    def mixed(self, mixed: Mixed) -> "GraphStates":
        """What was pooled, mixed; nodes and edges stay."""
        return replace(self, values=mixed.x)

    @classmethod
    def joined(cls, parts: "Sequence[GraphStates]") -> "GraphStates":
        """Batches behind the same layers, one behind the other."""
        layers = tuple(torch.cat(each) for each in zip(*(part.layers for part in parts)))
        values = torch.cat([part.values for part in parts])
        return cls(values, Graphs.joined([part.graphs for part in parts]), layers)

    def split(self, sizes: Sequence[int]) -> "tuple[GraphStates, ...]":
        """The batch in parts."""
        parts, first = [], 0
        for values in torch.split(self.values, list(sizes)):
            rows = slice(first, first + len(values))
            graphs = self.graphs[rows]
            start = int(self.graphs.node_counts[:first].sum())
            nodes = slice(start, start + len(graphs.x))
            parts.append(GraphStates(values, graphs, tuple(layer[nodes] for layer in self.layers)))
            first = rows.stop
        return tuple(parts)
