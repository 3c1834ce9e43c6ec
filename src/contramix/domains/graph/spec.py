"""What was learned of graphs: what a node's features are. Half of a saved model."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float32, Float64
from numpy import ndarray
from pydantic import Field, model_validator

from contramix.domains.graph.packed import GRAPH, Packed, graphs_of
from contramix.domains.spec import Spec
from contramix.encoders.encoder import Inputs
from contramix.encoders.frontend import Front
from contramix.errors import InputError
from contramix.samples.graph_states import GraphStates
from contramix.samples.graphs import Graphs
from contramix.samples.samples import Samples

Feature = Literal["labels", "attributes", "degree", "ones"]
DEGREES = 17
"""Of plain features: degrees 0 to 15 have a place each, and all larger ones share the last."""
MOST_BYTES = 16 << 30
"""Features of all nodes that take more than this are not made."""


class GraphFront(Front):
    """Packed graphs, nothing pooled of them yet."""

    def forward(self, raw: Graphs) -> GraphStates:
        """Graphs on their way into the first layer."""
        return GraphStates.of(raw)


class GraphSpec(Spec):
    """What a node's features are, learned from the training graphs only.

    Parameters
    ----------
    features_of_nodes
        Of what they are made, one behind the other.
    labels
        The labels that nodes have, a tuple for each of their columns; each label has a place. One that training graphs
        do not have takes none.
    mean, std
        Of nodes' attributes, by which they are standardised.
    most_degree
        Larger degrees count as this one.
    """

    domain: Literal["graph"] = "graph"
    format_version: Literal[1] = 1
    features_of_nodes: tuple[Feature, ...] = Field(min_length=1)
    labels: tuple[tuple[int, ...], ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    most_degree: int = Field(default=64, ge=1, le=10_000)

    @model_validator(mode="after")
    def _goes_together(self) -> "GraphSpec":
        if len(set(self.features_of_nodes)) < len(self.features_of_nodes):
            raise ValueError("features_of_nodes: each once")
        if len(self.mean) != len(self.std) or not all(0 < std < math.inf for std in self.std):
            raise ValueError("std: a positive number for each mean")
        if ("labels" in self.features_of_nodes) != any(self.labels):
            raise ValueError("labels: some where they are features, else none")
        if ("attributes" in self.features_of_nodes) != bool(self.mean):
            raise ValueError("mean: some where attributes are features, else none")
        return self

    @property
    def kinds(self) -> dict[str, list[str]]:
        """The column of graphs."""
        return {"graph": [GRAPH]}

    @property
    def width(self) -> int:
        """Features of a node."""
        widths = {
            "labels": sum(map(len, self.labels)),
            "attributes": len(self.mean),
            "degree": self.most_degree + 1,
            "ones": 1,
        }
        return sum(widths[name] for name in self.features_of_nodes)

    @property
    def form(self) -> str:
        """What nodes have."""
        return f"nodes with {self.width} features: {' and '.join(self.features_of_nodes)}"

    def unknown(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """A note on nodes whose labels the training graphs did not have."""
        found = graphs_of(table).labels
        if "labels" not in self.features_of_nodes or found is None:
            return ()
        new = sum(~np.isin(column, there) for column, there in zip(found.T, self.labels)) > 0
        if not np.any(new):
            return ()
        return (f"{np.sum(new):,} of {len(found):,} nodes have labels that the training graphs did not have",)

    def tensorize(self, table: pa.Table) -> Samples:
        """Packed graphs.

        Raises
        ------
        InputError
            If their nodes have not what the training graphs' nodes had, or take too much memory.
        """
        return self.pack(graphs_of(table))

    def pack(self, graphs: Packed) -> Graphs:
        """Features of nodes, and edges in the order of where they lead."""
        size = 4 * self.width * int(graphs.nodes.sum())
        if size > MOST_BYTES:
            raise InputError(
                f"{self.width:,} features of {graphs.nodes.sum():,} nodes take {size / 2**30:,.0f} GiB, and at most "
                f"{MOST_BYTES >> 30} are held: give fewer graphs, or set graph.features = 'ones'"
            )
        source, target = graphs.ends_among_all
        order = np.lexsort((source, target))
        x = np.concatenate([self._features(name, graphs, target) for name in self.features_of_nodes], 1)
        backwards = np.lexsort((target, source))
        undirected = bool((source[order] == target[backwards]).all() and (target[order] == source[backwards]).all())
        return Graphs(
            torch.from_numpy(x),
            torch.from_numpy(np.stack([source[order], target[order]])),
            torch.from_numpy(graphs.nodes),
            torch.from_numpy(graphs.edges),
            undirected,
        )

    def features(self, x: Samples) -> Float32[ndarray, " n d"]:
        """Of each graph: how many nodes and edges it has, the shares of its nodes' degrees, and sum and mean of its
        nodes' features."""
        if not isinstance(x, Graphs):
            raise TypeError("samples of graphs are packed")
        nodes, edges = x.node_counts.double()[:, None], x.edge_counts.double()[:, None]
        degree = x.edges[1].bincount(minlength=len(x.x)).clamp(max=DEGREES - 1)
        share = torch.nn.functional.one_hot(degree, DEGREES).double()
        per_node = 1 / nodes.clamp(min=1)
        sums = [x.sums(values.double()) for values in (x.x, share)]
        columns = [nodes, edges, edges * per_node, nodes.log1p(), edges.log1p(), *sums, *(per_node * s for s in sums)]
        return np.asarray(torch.cat(columns, 1).float())

    def inputs(self) -> Inputs:
        """Packed graphs."""
        return Inputs((self.width,), kind="graphs")

    def front(self) -> GraphFront:
        """The way from packed graphs to the first layer."""
        return GraphFront()

    def _features(self, name: Feature, graphs: Packed, target: ndarray) -> Float32[ndarray, " N _"]:
        total = int(graphs.nodes.sum())
        if name == "ones":
            return np.ones((total, 1), np.float32)
        if name == "degree":
            degree = np.bincount(target, minlength=total)[:total].clip(max=self.most_degree)
            return np.asarray(degree[:, None] == np.arange(self.most_degree + 1), np.float32)
        values = getattr(graphs, name)
        wanted = len(self.labels if name == "labels" else self.mean)
        found = 0 if values is None else values.shape[1]
        if found != wanted:
            raise InputError(f"nodes have {found} columns of {name}; those of the training graphs have {wanted}")
        if name == "labels":
            columns = zip(values.T, self.labels)
            return np.concatenate([np.asarray(c[:, None] == np.array(known), np.float32) for c, known in columns], 1)
        scaled: Float64[ndarray, " N A"] = (values - np.array(self.mean)) / np.array(self.std)
        return np.asarray(scaled, np.float32)
