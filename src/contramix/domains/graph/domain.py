"""Graphs: nodes and edges, each record of its own size."""

import os
from typing import Any

import pyarrow as pa

from contramix.domains.domain import Domain
from contramix.domains.graph.describe import describe
from contramix.domains.graph.packed import GRAPH
from contramix.domains.graph.settings import GraphSettings
from contramix.domains.graph.spec import GraphSpec
from contramix.domains.graph.tu import CLAIMED, read
from contramix.domains.graph.values import claims_values, from_values
from contramix.io.media.recognition import contains_files
from contramix.io.options import ReadOptions
from contramix.io.records import Records


class GraphSets(Domain[GraphSettings, GraphSpec]):
    """Graphs from raw files of TU Dortmund's collection, and from PyTorch Geometric's and networkx's."""

    spec = GraphSpec
    records = "graphs"
    baselines = ("raw", "pca", "wl", "untrained", "trees", "boosting", "gaussian", "supervised")
    content = GRAPH

    def claims(self, path: str | os.PathLike[str]) -> bool:
        """Folders and archives with a file whose name ends like those of the collection."""
        return contains_files(path, CLAIMED, ())

    def claims_values(self, values: Any) -> bool:
        """Lists and data sets of graphs."""
        return claims_values(values)

    def read(
        self,
        path: str | os.PathLike[str],
        options: ReadOptions,
        settings: GraphSettings,
        like: GraphSpec | None = None,
    ) -> Records:
        """Read a folder or an archive."""
        return read(os.fsdecode(path), settings)

    def describe(
        self, table: pa.Table, settings: GraphSettings, target: str | None = None, also: pa.Table | None = None
    ) -> tuple[GraphSpec, tuple[str, ...]]:
        """Learn what nodes have."""
        return describe(table, settings, target, also)

    def from_values(self, values: Any, settings: GraphSettings, like: GraphSpec | None = None) -> Records:
        """Lists and data sets of graphs."""
        if like is None:
            return from_values(values, False if settings.features == "attributes" else None)
        return from_values(values, "attributes" not in like.features_of_nodes)
