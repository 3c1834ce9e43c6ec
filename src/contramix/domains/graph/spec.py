"""Learn which features the nodes of graphs have, and convert graphs to packed batches."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float32, Float64
from numpy import ndarray
from pydantic import Field, model_validator

from contramix.domains.graph.packed import CONTENT, GRAPH, PackedGraphs, extract_graphs
from contramix.domains.graph.settings import GraphSettings
from contramix.domains.spec import Spec
from contramix.encoders.encoder import Inputs
from contramix.encoders.frontend import Front
from contramix.errors import InputError
from contramix.samples.graph_states import GraphStates
from contramix.samples.graphs import Graphs
from contramix.samples.samples import Samples

Feature = Literal["labels", "attributes", "degree", "ones"]
DEGREES = 17
"""Number of degree features of a baseline: one for each degree from 0 to 15, and one for all larger degrees."""
MAX_LABELS = 10_000
"""Maximum number of distinct node labels. More labels are rather identifiers of nodes than types of nodes."""
MAX_BYTES = 16 << 30
"""Maximum size in bytes of the features of all nodes in memory."""


class GraphFrontend(Front):
    """Convert packed graphs to the input of a graph encoder.

    A graph encoder extends one pooled vector per graph after each layer. The input has pooled vectors of width 0.
    """

    def forward(self, raw: Graphs) -> GraphStates:
        """Return the states that enter an encoder's first layer: the graphs ``raw``, with pooled vectors of width 0."""
        return GraphStates.from_graphs(raw)


class GraphSpec(Spec):
    """Convert graphs to packed batches with node features, which it encodes as learned from the training graphs.

    Parameters
    ----------
    features_of_nodes
        The kinds of features that are concatenated for each node: ``"labels"``, ``"attributes"``, ``"degree"`` (the
        in-degree) or ``"ones"`` (the constant 1).
    labels
        Distinct node labels of the training graphs, one tuple per label column. Labels are one-hot encoded. Labels
        that are not listed are encoded as zeros.
    mean, std
        Mean and standard deviation of each node attribute over the training graphs. Attributes are standardized.
    most_degree
        Largest degree with its own one-hot element. Larger degrees are encoded as this degree.
    """

    domain: Literal["graph"] = "graph"
    format_version: Literal[1] = 1
    features_of_nodes: tuple[Feature, ...] = Field(min_length=1)
    labels: tuple[tuple[int, ...], ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    most_degree: int = Field(default=64, ge=1, le=10_000)

    @model_validator(mode="after")
    def _check_consistency(self) -> "GraphSpec":
        if len(set(self.features_of_nodes)) < len(self.features_of_nodes):
            raise ValueError("features_of_nodes: each at most once")
        if len(self.mean) != len(self.std) or not all(0 < std < math.inf for std in self.std):
            raise ValueError("std: need a positive number for each mean")
        if ("labels" in self.features_of_nodes) != any(self.labels):
            raise ValueError("labels: need some if they are features, else none")
        if ("attributes" in self.features_of_nodes) != bool(self.mean):
            raise ValueError("mean: need some if attributes are features, else none")
        return self

    @classmethod
    def learn(
        cls,
        table: pa.Table,
        settings: GraphSettings,
        target: str | None = None,
        extra_rows: pa.Table | None = None,
    ) -> tuple["GraphSpec", tuple[str, ...]]:
        """Learn the distinct node labels, and the mean and standard deviation of node attributes.

        They are learned from the training graphs in ``table`` and the graphs in ``extra_rows``. ``target`` names the
        column of labels of graphs, which is not used as an input.

        Returns
        -------
        spec, notes
            The specification, and a message if degrees are used because nodes have no features.

        Raises
        ------
        InputError
            If there are no graphs or no nodes, if nodes lack the features that ``settings`` name or have more than
            10,000 distinct labels, or if the table has no column ``target``.
        """
        graphs = extract_graphs(table)
        if extra_rows is not None:
            graphs = graphs.concatenate(extract_graphs(extra_rows))
        if len(graphs.nodes) == 0:
            raise InputError(f"the column {GRAPH!r} has no graphs to learn from")
        if graphs.nodes.sum() == 0:
            raise InputError("the graphs have no nodes, so there is nothing to learn from")
        present: tuple[Feature, ...] = tuple(
            name for name in ("labels", "attributes") if getattr(graphs, name) is not None
        )
        wanted: tuple[Feature, ...] = (present or ("degree",)) if settings.features == "auto" else (settings.features,)
        for name in wanted:
            if name in ("labels", "attributes") and name not in present:
                raise InputError(f"graph.features = {name!r}: the nodes have none; use 'degree' or 'ones'")
        labels: tuple[tuple[int, ...], ...] = ()
        mean: tuple[float, ...] = ()
        std: tuple[float, ...] = ()
        notes = []
        if "labels" in wanted and graphs.labels is not None:
            labels = tuple(tuple(np.unique(column).tolist()) for column in graphs.labels.T)
            if sum(map(len, labels)) > MAX_LABELS:
                raise InputError(
                    f"nodes have {sum(map(len, labels)):,} different labels, which identify nodes rather than kinds of "
                    "nodes; set graph.features = 'degree'"
                )
        if "attributes" in wanted and graphs.attributes is not None:
            values = graphs.attributes.astype(np.float64)
            mean, computed = tuple(values.mean(0).tolist()), values.std(0)
            std = tuple(np.where(computed > 1e-12, computed, 1.0).tolist())
        if settings.features == "auto" and not present:
            notes.append("nodes have neither labels nor attributes: their features are their degrees (graph.features)")
        spec = cls(
            features_of_nodes=wanted,
            labels=labels,
            mean=mean,
            std=std,
            most_degree=settings.most_degree,
            target=target,
            rows=table.num_rows,
            left_out=CONTENT.left_out(table, target),
        )
        return spec, tuple(notes)

    @property
    def kinds(self) -> dict[str, list[str]]:
        """Return the names of the input columns, grouped by kind: always ``{"graph": ["graph"]}``."""
        return {"graph": [GRAPH]}

    @property
    def width(self) -> int:
        """Return the number of features of a node."""
        widths = {
            "labels": sum(map(len, self.labels)),
            "attributes": len(self.mean),
            "degree": self.most_degree + 1,
            "ones": 1,
        }
        return sum(widths[name] for name in self.features_of_nodes)

    @property
    def summary(self) -> str:
        """Describe the features of a node, such as ``"nodes with 7 features: labels"``."""
        return f"nodes with {self.width} features: {' and '.join(self.features_of_nodes)}"

    def input_notes(self, table: pa.Table, known: Sequence[str] = ()) -> tuple[str, ...]:
        """Return one message if nodes have labels that do not occur in the training graphs, else an empty tuple.

        ``table`` holds the new graphs. ``known`` is not used.
        """
        found = extract_graphs(table).labels
        if "labels" not in self.features_of_nodes or found is None:
            return ()
        new = sum(~np.isin(column, learned) for column, learned in zip(found.T, self.labels)) > 0
        if not np.any(new):
            return ()
        return (f"{np.sum(new):,} of {len(found):,} nodes have labels that the training graphs did not have",)

    def tensorize(self, table: pa.Table, first_row: int = 0) -> Samples:
        """Convert a table of graphs to a packed batch with node features. ``first_row`` is not used.

        Raises
        ------
        InputError
            If nodes lack features that they had in training, or their features would take too much memory.
        """
        return self.pack(extract_graphs(table))

    def pack(self, graphs: PackedGraphs) -> Graphs:
        """Compute node features of packed graphs, and return torch tensors with edges sorted by target node.

        Raises
        ------
        InputError
            If nodes lack features that they had in training, or their features would take too much memory.
        """
        size = 4 * self.width * int(graphs.nodes.sum())
        if size > MAX_BYTES:
            raise InputError(
                f"{self.width:,} features of {graphs.nodes.sum():,} nodes take {size / 2**30:,.0f} GiB, and at most "
                f"{MAX_BYTES >> 30} are held: give fewer graphs, or set graph.features = 'ones'"
            )
        source, target = graphs.global_edge_index
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
        """Compute summary statistics of each graph as features for baselines, one row per graph.

        They are the number of nodes, edges, and edges per node; log(1 + nodes) and log(1 + edges); the number and the
        fraction of nodes with in-degree 0, 1, ..., 15, and 16 or more; and the sum and mean of each node feature.
        """
        if not isinstance(x, Graphs):
            raise TypeError("samples of graphs are packed")
        nodes, edges = x.node_counts.double()[:, None], x.edge_counts.double()[:, None]
        degree = x.edges[1].bincount(minlength=len(x.x)).clamp(max=DEGREES - 1)
        share = torch.nn.functional.one_hot(degree, DEGREES).double()
        per_node = 1 / nodes.clamp(min=1)
        sums = [x.sum_nodes(values.double()) for values in (x.x, share)]
        columns = [nodes, edges, edges * per_node, nodes.log1p(), edges.log1p(), *sums, *(per_node * s for s in sums)]
        return np.asarray(torch.cat(columns, 1).float())

    def inputs(self) -> Inputs:
        """Return the properties of samples that an encoder is built for: the number of features per node."""
        return Inputs((self.width,), kind="graphs")

    def frontend(self) -> GraphFrontend:
        """Return the module that converts packed graphs to the input of a graph encoder."""
        return GraphFrontend()

    def _features(self, name: Feature, graphs: PackedGraphs, target: ndarray) -> Float32[ndarray, " N _"]:
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
