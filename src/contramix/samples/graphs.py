"""Pack many graphs into one tensor of node features and one tensor of edges."""

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
    """Represent a batch of B graphs with one tensor of all node features and one of all edges.

    Nodes and edges are in the order of the graphs. To select graphs, index the batch with a slice or a tensor of
    indices of graphs.

    Parameters
    ----------
    x
        Features of all nodes, shape (N, F).
    edges
        Source (row 0) and target (row 1) of each edge, as row numbers of ``x``: shape (2, E).
    node_counts, edge_counts
        Number of nodes and number of edges of each graph, shape (B,).
    undirected
        Whether each edge is present in both directions.

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
        """Return the device on which the tensors of nodes and edges are stored."""
        return self.x.device

    @cached_property
    def first_node(self) -> Int[Tensor, " B"]:
        """Return, for each graph, the row of its first node in ``x``."""
        return self.node_counts.cumsum(0) - self.node_counts

    @cached_property
    def first_edge(self) -> Int[Tensor, " B"]:
        """Return, for each graph, the column of its first edge in ``edges``."""
        return self.edge_counts.cumsum(0) - self.edge_counts

    @cached_property
    def graph(self) -> Int[Tensor, " N"]:
        """Return, for each node, the index of the graph to which it belongs."""
        numbers = torch.arange(len(self), device=self.device)
        return numbers.repeat_interleave(self.node_counts, output_size=len(self.x))

    def sum_nodes(self, nodes: Float[Tensor, " N w"]) -> Float[Tensor, " B w"]:
        """Sum the features of the nodes of each graph: (N, w) to (B, w).

        The sum of a graph without nodes is 0. Half-precision features are summed in float32.
        """
        nodes = at_least_float32(nodes)
        return nodes.new_zeros(len(self), nodes.shape[1]).index_add(0, self.graph, nodes)

    def sum_predecessors(self, nodes: Float[Tensor, " N w"]) -> Float[Tensor, " N w"]:
        """Sum, for each node, the features of the nodes from which an edge leads to it.

        This multiplies ``nodes`` by the sparse adjacency matrix `incoming`. The result has the shape of ``nodes``.
        """
        with torch.autocast(nodes.device.type, enabled=False):  # torch has no sparse products of bfloat16
            out: Tensor = _AdjacencyProduct.apply(at_least_float32(nodes), self)  # type: ignore[no-untyped-call]
        return out

    @cached_property
    def incoming(self) -> Tensor:
        """Return the sparse (N, N) adjacency matrix. Entry (i, j) is 1 if an edge leads from node j to node i."""
        return _sparse(self.edges[1], self.edges[0], len(self.x), self.x.dtype)

    @cached_property
    def outgoing(self) -> Tensor:
        """Return the transposed adjacency matrix. Entry (i, j) is 1 if an edge leads from node i to node j."""
        return self.incoming if self.undirected else _sparse(self.edges[0], self.edges[1], len(self.x), self.x.dtype)

    def to(self, device: torch.device | str) -> "Graphs":
        """Return the same graphs with all tensors on ``device``."""
        x, edges, nodes, each = (tensor.to(device) for tensor in self.tensors())
        return Graphs(x, edges, nodes, each, self.undirected)

    def __getitem__(self, which: slice | Int[Tensor, " k"]) -> "Graphs":
        """Return the graphs selected by a slice or a tensor of graph indices, in this order. Indices may repeat."""
        which = which.to(self.device) if isinstance(which, Tensor) else which
        rows = torch.arange(len(self), device=self.device)[which]
        nodes, edges = self.node_counts[rows], self.edge_counts[rows]
        node, _ = _concatenate_ranges(self.first_node[rows], nodes)
        edge, ends = _concatenate_ranges(self.first_edge[rows], edges)
        moved = (nodes.cumsum(0) - nodes - self.first_node[rows]).repeat_interleave(edges, output_size=ends)
        return Graphs(self.x[node], self.edges[:, edge] + moved, nodes, edges, self.undirected)

    @staticmethod
    def concatenate(parts: "Sequence[Graphs]") -> "Graphs":
        """Concatenate batches of graphs into one batch. The node numbers in ``edges`` are adapted to the new ``x``."""
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
        """Return the tensors of the batch: ``x``, ``edges``, ``node_counts`` and ``edge_counts``."""
        return self.x, self.edges, self.node_counts, self.edge_counts


class _AdjacencyProduct(torch.autograd.Function):
    """Multiply node features by the sparse adjacency matrix ``graphs.incoming``, with gradients for the features.

    The backward pass multiplies the gradient by the transposed matrix. Neither pass stores a value per edge.
    """

    @staticmethod
    def forward(ctx: Any, nodes: Tensor, graphs: Graphs) -> Tensor:
        ctx.graphs = graphs
        return graphs.incoming @ nodes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.graphs.outgoing @ gradients[0], None


def _sparse(row: Int[Tensor, " E"], column: Int[Tensor, " E"], size: int, dtype: torch.dtype) -> Tensor:
    """Return a matrix in sparse CSR format with a one for each pair of a row and a column number.

    Its shape is (``size``, ``size``). ``row[i]`` and ``column[i]`` give the position of entry i.
    """
    if len(row) and bool((row[1:] < row[:-1]).any()):
        order = row.argsort(stable=True)
        column = column[order]
    start = torch.zeros(size + 1, dtype=torch.long, device=row.device)
    start[1:] = row.bincount(minlength=size).cumsum(0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse", UserWarning)  # sparse CSR is in beta
        return torch.sparse_csr_tensor(
            start, column, torch.ones(len(row), dtype=dtype, device=row.device), (size, size), check_invariants=False
        )


def _concatenate_ranges(start: Int[Tensor, " k"], length: Int[Tensor, " k"]) -> tuple[Int[Tensor, " n"], int]:
    """Return the concatenation of the ranges start[i], ..., start[i] + length[i] - 1, and its length.

    For example, starts (5, 0) and lengths (2, 3) give (5, 6, 0, 1, 2) and 5.
    """
    total = int(length.sum())
    offset = (start - (length.cumsum(0) - length)).repeat_interleave(length, output_size=total)
    return torch.arange(total, device=start.device) + offset, total
