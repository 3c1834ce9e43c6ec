"""Many graphs in one: the nodes of all behind one another, and their edges."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contramix.runtime.precision import at_least_float32


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
    undirected
        Whether each edge stands there in both directions.

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
    undirected: bool = False

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

    def sums(self, nodes: Float[Tensor, " N w"]) -> Float[Tensor, " B w"]:
        """The sum over each graph's nodes; 0 for a graph without nodes."""
        nodes = at_least_float32(nodes)
        return nodes.new_zeros(len(self), nodes.shape[1]).index_add(0, self.graph, nodes)

    def gathered(self, nodes: Float[Tensor, " N w"]) -> Float[Tensor, " N w"]:
        """For each node the sum over the nodes from which an edge leads to it."""
        with torch.autocast(nodes.device.type, enabled=False):  # torch has no sparse products of bfloat16
            out: Tensor = _Gathered.apply(at_least_float32(nodes), self)  # type: ignore[no-untyped-call]
        return out

    @cached_property
    def incoming(self) -> Tensor:
        """Edges as a sparse matrix, whose row says which nodes lead to a node."""
        return _sparse(self.edges[1], self.edges[0], len(self.x), self.x.dtype)

    @cached_property
    def outgoing(self) -> Tensor:
        """Its transpose."""
        return self.incoming if self.undirected else _sparse(self.edges[0], self.edges[1], len(self.x), self.x.dtype)

    def to(self, device: torch.device | str) -> "Graphs":
        """The same graphs on a device."""
        x, edges, nodes, each = (tensor.to(device) for tensor in self.tensors())
        return Graphs(x, edges, nodes, each, self.undirected)

    def __getitem__(self, which: slice | Int[Tensor, " k"]) -> "Graphs":
        """Some of the graphs, by their numbers, in that order; a number may stand there twice."""
        which = which.to(self.device) if isinstance(which, Tensor) else which
        rows = torch.arange(len(self), device=self.device)[which]
        nodes, edges = self.node_counts[rows], self.edge_counts[rows]
        node, _ = _runs(self.first_node[rows], nodes)
        edge, ends = _runs(self.first_edge[rows], edges)
        moved = (nodes.cumsum(0) - nodes - self.first_node[rows]).repeat_interleave(edges, output_size=ends)
        return Graphs(self.x[node], self.edges[:, edge] + moved, nodes, edges, self.undirected)

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
            all(part.undirected for part in parts),
        )

    def tensors(self) -> tuple[Tensor, ...]:
        """All that they are made of."""
        return self.x, self.edges, self.node_counts, self.edge_counts


class _Gathered(torch.autograd.Function):
    """A product with a sparse matrix, whose gradient is one with its transpose: no number an edge is ever stored."""

    @staticmethod
    def forward(ctx: Any, nodes: Tensor, graphs: Graphs) -> Tensor:
        ctx.graphs = graphs
        return graphs.incoming @ nodes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.graphs.outgoing @ gradients[0], None


def _sparse(row: Int[Tensor, " E"], column: Int[Tensor, " E"], size: int, dtype: torch.dtype) -> Tensor:
    """The square matrix with a 1 for each edge, by rows."""
    if len(row) and bool((row[1:] < row[:-1]).any()):
        order = row.argsort(stable=True)
        column = column[order]
    start = torch.zeros(size + 1, dtype=torch.long, device=row.device)
    start[1:] = row.bincount(minlength=size).cumsum(0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse", UserWarning)  # that it is in beta
        return torch.sparse_csr_tensor(
            start, column, torch.ones(len(row), dtype=dtype, device=row.device), (size, size), check_invariants=False
        )


def _runs(start: Int[Tensor, " k"], length: Int[Tensor, " k"]) -> tuple[Int[Tensor, " n"], int]:
    """The numbers start, start + 1, ... of each run, one run behind the other, and how many there are."""
    total = int(length.sum())
    offset = (start - (length.cumsum(0) - length)).repeat_interleave(length, output_size=total)
    return torch.arange(total, device=start.device) + offset, total
