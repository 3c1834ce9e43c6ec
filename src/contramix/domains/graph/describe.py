"""Learn a specification from graphs: what their nodes have."""

import numpy as np
import pyarrow as pa

from contramix.domains.graph.packed import GRAPH, graphs_of
from contramix.domains.graph.settings import GraphSettings
from contramix.domains.graph.spec import Feature, GraphSpec
from contramix.domains.spec import left_out
from contramix.errors import InputError

MOST_LABELS = 10_000
"""More labels of nodes than this are no labels."""


def describe(
    table: pa.Table, settings: GraphSettings, target: str | None = None, also: pa.Table | None = None
) -> tuple[GraphSpec, tuple[str, ...]]:
    """Learn from training graphs, and from those of ``also`` if given; with notes.

    Raises
    ------
    InputError
        There are no graphs or no nodes, nodes have not what is asked for, or there is no column ``target``.
    """
    graphs = graphs_of(table)
    if also is not None:
        graphs = graphs.joined(graphs_of(also))
    if len(graphs.nodes) == 0:
        raise InputError(f"the column {GRAPH!r} has no graphs to learn from")
    if graphs.nodes.sum() == 0:
        raise InputError("the graphs have no nodes, so there is nothing to learn from")
    there: tuple[Feature, ...] = tuple(name for name in ("labels", "attributes") if getattr(graphs, name) is not None)
    wanted: tuple[Feature, ...] = (there or ("degree",)) if settings.features == "auto" else (settings.features,)
    for name in wanted:
        if name in ("labels", "attributes") and name not in there:
            raise InputError(f"graph.features = {name!r}: the nodes have none; take 'degree' or 'ones'")
    labels: tuple[tuple[int, ...], ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    notes = []
    if "labels" in wanted and graphs.labels is not None:
        labels = tuple(tuple(np.unique(column).tolist()) for column in graphs.labels.T)
        if sum(map(len, labels)) > MOST_LABELS:
            raise InputError(
                f"nodes have {sum(map(len, labels)):,} different labels, so they tell nodes apart and not kinds of "
                "nodes; set graph.features = 'degree'"
            )
    if "attributes" in wanted and graphs.attributes is not None:
        values = graphs.attributes.astype(np.float64)
        mean, deviation = tuple(values.mean(0).tolist()), values.std(0)
        std = tuple(np.where(deviation > 1e-12, deviation, 1.0).tolist())
    if settings.features == "auto" and not there:
        notes.append("nodes have neither labels nor attributes: their features are their degrees (graph.features)")
    spec = GraphSpec(
        features_of_nodes=wanted,
        labels=labels,
        mean=mean,
        std=std,
        most_degree=settings.most_degree,
        target=target,
        rows=table.num_rows,
        left_out=left_out(table, GRAPH, target, "is no graph"),
    )
    return spec, tuple(notes)
