"""Convert graphs between a column of an Arrow table and packed numpy arrays."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Int64
from numpy import ndarray

from contramix.domains.content_column import ContentColumn
from contramix.errors import InputError

GRAPH = "graph"
"""Name of the column of graphs.

Each value is a struct: ``nodes`` is the number of nodes; ``source`` and ``target`` list the node numbers, from 0, that
each edge connects; ``labels`` and ``attributes`` list those of each node, if nodes have any.
"""
MAX_NODES = 2**31 - 1
"""Maximum total number of nodes of all graphs in a table."""
_ENDPOINTS = ("source", "target")


def _is_graphs(column_type: pa.DataType) -> bool:
    if not pa.types.is_struct(column_type):
        return False
    return {"nodes", *_ENDPOINTS} <= {column_type.field(n).name for n in range(column_type.num_fields)}


CONTENT = ContentColumn(
    GRAPH, records="graphs", accepts=_is_graphs, advice="read graph files, or give a list of graphs"
)


@dataclass(frozen=True)
class PackedGraphs:
    """Represent B graphs as arrays, in which their nodes and edges are concatenated: N nodes and E edges in total.

    Parameters
    ----------
    nodes, edges
        Number of nodes and number of edges of each graph.
    edge_index
        Source (row 0) and target (row 1) of each edge, as node numbers that start at 0 in each graph.
    labels, attributes
        Integer labels and numeric attributes of all nodes, one row per node; None if nodes have none.
    """

    nodes: Int64[ndarray, " B"]
    edges: Int64[ndarray, " B"]
    edge_index: Int64[ndarray, " 2 E"]
    labels: Int64[ndarray, " N L"] | None = None
    attributes: Float32[ndarray, " N A"] | None = None

    @property
    def first_node(self) -> Int64[ndarray, " B"]:
        """Return the index of each graph's first node among the nodes of all graphs."""
        return np.asarray(self.nodes.cumsum() - self.nodes)

    @property
    def global_edge_index(self) -> Int64[ndarray, " 2 E"]:
        """Return the source (row 0) and target (row 1) of each edge, as indices among the nodes of all graphs."""
        return np.asarray(self.edge_index + self.first_node.repeat(self.edges))

    def to_column(self) -> pa.StructArray:
        """Convert the graphs to an Arrow struct array with one row per graph.

        The fields of a row are ``nodes`` (number of nodes), ``source`` and ``target`` (lists of the node numbers, from
        0, that each edge connects) and, if nodes have any, ``labels`` and ``attributes`` (lists with a row per node).
        """
        fields = {
            "nodes": pa.array(self.nodes, pa.int64()),
            "source": _lists(pa.array(self.edge_index[0].astype(np.int32)), self.edges),
            "target": _lists(pa.array(self.edge_index[1].astype(np.int32)), self.edges),
        }
        for name, values in (("labels", self.labels), ("attributes", self.attributes)):
            if values is not None:
                flat = pa.array(np.ascontiguousarray(values).reshape(-1))
                fields[name] = _lists(pa.FixedSizeListArray.from_arrays(flat, values.shape[1]), self.nodes)
        return pa.StructArray.from_arrays(list(fields.values()), list(fields))

    @classmethod
    def from_column(cls, column: pa.ChunkedArray) -> "PackedGraphs":
        """Create packed graphs from an Arrow column that :meth:`to_column` returned.

        Raises
        ------
        InputError
            If the column does not hold graphs, or a graph is invalid.
        """
        column = CONTENT.select(pa.table({GRAPH: column}))
        struct = column.type
        names = [struct.field(n).name for n in range(struct.num_fields)]
        fields = {name: pa.chunked_array([_field(chunk, name) for chunk in column.chunks], struct.field(name).type)
                  for name in names}  # fmt: skip
        nodes = fields["nodes"].to_numpy().astype(np.int64)
        if (nodes < 0).any() or nodes.sum(dtype=np.float64) > MAX_NODES:
            raise InputError(f"the column {GRAPH!r} holds graphs of impossible sizes: it is damaged")
        edge_counts = [pc.list_value_length(fields[name]).to_numpy().astype(np.int64) for name in _ENDPOINTS]
        endpoints = [_flat(fields[name]).astype(np.int64) for name in _ENDPOINTS]
        per_node = {}
        for name in ("labels", "attributes"):
            if name in names:
                width = struct.field(name).type.value_type.list_size
                per_node[name] = _flat(fields[name]).reshape(-1, width)
        complete = np.array_equal(*edge_counts) and all(len(values) == nodes.sum() for values in per_node.values())
        if not complete or any((e < 0).any() or (e >= nodes.repeat(edge_counts[0])).any() for e in endpoints):
            raise InputError(f"the column {GRAPH!r} holds edges to nodes that do not exist: it is damaged")
        return cls(nodes, edge_counts[0], np.stack(endpoints), **per_node)

    def concatenate(self, other: "PackedGraphs") -> "PackedGraphs":
        """Return these graphs followed by the graphs of ``other``.

        Raises
        ------
        InputError
            If the nodes of ``other`` have another number of labels or attributes per node.
        """
        per_node = {}
        for name in ("labels", "attributes"):
            mine, theirs = getattr(self, name), getattr(other, name)
            widths = [0 if values is None else values.shape[1] for values in (mine, theirs)]
            if widths[0] != widths[1]:
                raise InputError(f"nodes have {widths[0]} columns of {name}, and those to be joined have {widths[1]}")
            per_node[name] = None if mine is None else np.concatenate([mine, theirs])
        return PackedGraphs(
            np.concatenate([self.nodes, other.nodes]),
            np.concatenate([self.edges, other.edges]),
            np.concatenate([self.edge_index, other.edge_index], 1),
            **per_node,
        )


def extract_graphs(table: pa.Table) -> PackedGraphs:
    """Return the graphs in the column ``graph`` of a table as packed arrays.

    Raises
    ------
    InputError
        If the table has no column of graphs, or a graph is invalid.
    """
    return PackedGraphs.from_column(CONTENT.select(table))


def _lists(values: pa.Array, lengths: Int64[ndarray, " B"]) -> pa.LargeListArray:
    return pa.LargeListArray.from_arrays(pa.array(np.concatenate([[0], lengths.cumsum()]), pa.int64()), values)


def _field(chunk: pa.StructArray, name: str) -> pa.Array:
    return pc.struct_field(chunk, name)


def _flat(column: pa.ChunkedArray) -> ndarray:
    """Flatten a column of nested lists of numbers, of any depth, to a 1-D array."""
    parts = []
    for chunk in column.chunks:
        while pa.types.is_nested(chunk.type):
            chunk = chunk.flatten()
        parts.append(chunk.to_numpy(zero_copy_only=False))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
