"""Many graphs in one: the nodes of all behind one another, and their edges."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Graphs:
    """Graphs, packed: one tensor of all nodes, one of all edges, and how many of each a graph has.

    Taking some of them is a few indexed reads, whatever their number and sizes.

    Parameters
    ----------
    x
        Features of all nodes.
    edges
        From (row 0) and to (row 1), as numbers of nodes among those of all graphs.
    node_counts, edge_counts
        Of each graph; their order is that of nodes and edges.

    Examples
    --------
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> two = Graphs(torch.arange(3.0)[:, None], edges, torch.tensor([2, 1]), torch.tensor([2, 0]))
    >>> swapped = two[torch.tensor([1, 0])]
    >>> swapped.x[:, 0].tolist(), swapped.edges.tolist()
    ([2.0, 0.0, 1.0], [[1, 2], [2, 1]])
    """

    x: Float[Tensor, " N F"]
    edges: Int[Tensor, " 2 E"]
    node_counts: Int[Tensor, " B"]
    edge_counts: Int[Tensor, " B"]

    def __len__(self) -> int:
        return len(self.node_counts)

    @property
    def device(self) -> torch.device:
        """Where they lie."""
        return self.x.device

    @cached_property
    def first_node(self) -> Int[Tensor, " B"]:
        """The number of each graph's first node."""
        return self.node_counts.cumsum(0) - self.node_counts

    @cached_property
    def first_edge(self) -> Int[Tensor, " B"]:
        """The number of each graph's first edge."""
        return self.edge_counts.cumsum(0) - self.edge_counts

    @cached_property
    def graph(self) -> Int[Tensor, " N"]:
        """The graph that each node belongs to."""
        numbers = torch.arange(len(self), device=self.device)
        return numbers.repeat_interleave(self.node_counts, output_size=len(self.x))

    def to(self, device: torch.device | str) -> "Graphs":
        """The same graphs on a device."""
        return Graphs(
            self.x.to(device), self.edges.to(device), self.node_counts.to(device), self.edge_counts.to(device)
        )

    def __getitem__(self, which: slice | Int[Tensor, " k"]) -> "Graphs":
        """Some of the graphs, by their numbers, in that order; a number may stand there twice."""
        which = which.to(self.device) if isinstance(which, Tensor) else which
        rows = torch.arange(len(self), device=self.device)[which]
        nodes, edges = self.node_counts[rows], self.edge_counts[rows]
        node, _ = _runs(self.first_node[rows], nodes)
        edge, ends = _runs(self.first_edge[rows], edges)
        moved = (nodes.cumsum(0) - nodes - self.first_node[rows]).repeat_interleave(edges, output_size=ends)
        return Graphs(self.x[node], self.edges[:, edge] + moved, nodes, edges)

    @staticmethod
    def joined(parts: "Sequence[Graphs]") -> "Graphs":
        """The graphs of all, one behind the other."""
        before, edges = 0, []
        for part in parts:
            edges.append(part.edges + before)
            before += len(part.x)
        return Graphs(
            torch.cat([part.x for part in parts]),
            torch.cat(edges, 1),
            torch.cat([part.node_counts for part in parts]),
            torch.cat([part.edge_counts for part in parts]),
        )

    def tensors(self) -> tuple[Tensor, ...]:
        """All that they are made of."""
        return self.x, self.edges, self.node_counts, self.edge_counts


def _runs(start: Int[Tensor, " k"], length: Int[Tensor, " k"]) -> tuple[Int[Tensor, " n"], int]:
    """The numbers start, start + 1, ... of each run, one run behind the other, and how many there are."""
    total = int(length.sum())
    offset = (start - (length.cumsum(0) - length)).repeat_interleave(length, output_size=total)
    return torch.arange(total, device=start.device) + offset, total
