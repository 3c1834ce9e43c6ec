"""Graphs as a column of a table, and as packed arrays."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Int64
from numpy import ndarray

from contramix.errors import InputError

GRAPH = "graph"
"""The column of graphs: ``nodes`` (how many), ``source`` and ``target`` (an edge's nodes by their numbers, from 0), and
``labels`` and ``attributes`` of all nodes, one node's behind the other's, where they have some."""
MOST_NODES = 2**31 - 1
"""Of all graphs together."""


@dataclass(frozen=True)
class Packed:
    """Graphs behind one another.

    Parameters
    ----------
    nodes, edges
        Of each graph, how many.
    ends
        From and to, as numbers of nodes within their graph.
    labels, attributes
        Of all nodes; None where they have none.
    """

    nodes: Int64[ndarray, " B"]
    edges: Int64[ndarray, " B"]
    ends: Int64[ndarray, " 2 E"]
    labels: Int64[ndarray, " N L"] | None = None
    attributes: Float32[ndarray, " N A"] | None = None

    @property
    def first_node(self) -> Int64[ndarray, " B"]:
        """The number of each graph's first node among all."""
        return np.asarray(self.nodes.cumsum() - self.nodes)

    @property
    def ends_among_all(self) -> Int64[ndarray, " 2 E"]:
        """Edges by numbers of nodes among those of all graphs."""
        return np.asarray(self.ends + self.first_node.repeat(self.edges))

    def column(self) -> pa.StructArray:
        """One row a graph."""
        fields = {
            "nodes": pa.array(self.nodes, pa.int64()),
            "source": _lists(pa.array(self.ends[0].astype(np.int32)), self.edges),
            "target": _lists(pa.array(self.ends[1].astype(np.int32)), self.edges),
        }
        for name, values in (("labels", self.labels), ("attributes", self.attributes)):
            if values is not None:
                flat = pa.array(np.ascontiguousarray(values).reshape(-1))
                fields[name] = _lists(pa.FixedSizeListArray.from_arrays(flat, values.shape[1]), self.nodes)
        return pa.StructArray.from_arrays(list(fields.values()), list(fields))

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> "Packed":
        """What a column holds.

        Raises
        ------
        InputError
            If it does not hold graphs.
        """
        kind = column.type
        names = {kind.field(n).name for n in range(kind.num_fields)} if pa.types.is_struct(kind) else set()
        if not {"nodes", "source", "target"} <= names:
            raise InputError(f"the column {GRAPH!r} holds {kind}, not graphs: read them from files, or give graphs")
        if column.null_count:
            raise InputError(f"the column {GRAPH!r} has {column.null_count:,} rows without a graph")
        fields = {name: pa.chunked_array([_field(chunk, name) for chunk in column.chunks], kind.field(name).type)
                  for name in names}  # fmt: skip
        nodes = fields["nodes"].to_numpy().astype(np.int64)
        if (nodes < 0).any() or nodes.sum(dtype=np.float64) > MOST_NODES:
            raise InputError(f"the column {GRAPH!r} holds graphs of impossible sizes: it is damaged")
        lengths = [pc.list_value_length(fields[name]).to_numpy().astype(np.int64) for name in _ENDS]
        ends = [_flat(fields[name]).astype(np.int64) for name in _ENDS]
        of_nodes = {}
        for name in ("labels", "attributes"):
            if name in names:
                width = kind.field(name).type.value_type.list_size
                of_nodes[name] = _flat(fields[name]).reshape(-1, width)
        whole = np.array_equal(*lengths) and all(len(values) == nodes.sum() for values in of_nodes.values())
        if not whole or any((each < 0).any() or (each >= nodes.repeat(lengths[0])).any() for each in ends):
            raise InputError(f"the column {GRAPH!r} holds edges to nodes that are not there: it is damaged")
        return cls(nodes, lengths[0], np.stack(ends), **of_nodes)

    def joined(self, other: "Packed") -> "Packed":
        """Both, one behind the other.

        Raises
        ------
        InputError
            If nodes of the one have what nodes of the other have not.
        """
        each = {}
        for name in ("labels", "attributes"):
            mine, theirs = getattr(self, name), getattr(other, name)
            widths = [0 if values is None else values.shape[1] for values in (mine, theirs)]
            if widths[0] != widths[1]:
                raise InputError(f"nodes have {widths[0]} columns of {name}, and those to be joined have {widths[1]}")
            each[name] = None if mine is None else np.concatenate([mine, theirs])
        return Packed(
            np.concatenate([self.nodes, other.nodes]),
            np.concatenate([self.edges, other.edges]),
            np.concatenate([self.ends, other.ends], 1),
            **each,
        )


_ENDS = ("source", "target")


def graphs_of(table: pa.Table) -> Packed:
    """The graphs of a table.

    Raises
    ------
    InputError
        There is no column of them.
    """
    if GRAPH not in table.column_names:
        raise InputError(f"there is no column {GRAPH!r}: read files of graphs, or give graphs")
    return Packed.of(table.column(GRAPH))


def _lists(values: pa.Array, lengths: Int64[ndarray, " B"]) -> pa.LargeListArray:
    return pa.LargeListArray.from_arrays(pa.array(np.concatenate([[0], lengths.cumsum()]), pa.int64()), values)


def _field(chunk: pa.StructArray, name: str) -> pa.Array:
    return pc.struct_field(chunk, name)


def _flat(column: pa.ChunkedArray) -> ndarray:
    """The numbers of all lists, however deep."""
    parts = []
    for chunk in column.chunks:
        while pa.types.is_nested(chunk.type):
            chunk = chunk.flatten()
        parts.append(chunk.to_numpy(zero_copy_only=False))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
