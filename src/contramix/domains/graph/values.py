"""Convert graph objects of PyTorch Geometric and networkx to records, without importing these libraries."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float32, Int64
from numpy import ndarray

from contramix.domains.graph.packed import GRAPH, MAX_NODES, PackedGraphs
from contramix.domains.graph.settings import GraphSettings
from contramix.domains.graph.spec import GraphSpec
from contramix.errors import InputError
from contramix.io.records import LABEL, Records


class SingleGraph(NamedTuple):
    """Represent one graph.

    Parameters
    ----------
    nodes
        Number of nodes.
    edge_index
        Source (row 0) and target (row 1) of each edge, as node numbers from 0.
    x
        Node features, one row per node; None if nodes have none.
    label
        Label of the graph, such as a number or a string; None if it has none.
    """

    nodes: int
    edge_index: Int64[ndarray, " 2 E"]
    x: Float32[ndarray, " N A"] | None
    label: Any


def recognizes_values(values: Any) -> bool:
    """Return whether the first of some Python values is a graph: PyTorch Geometric's ``Data``, or a networkx graph."""
    first = _first(values)
    return _is_pyg(first) or _is_networkx(first)


def from_values(values: Any, settings: GraphSettings, fitted_spec: GraphSpec | None = None) -> Records:
    """Convert graph objects to a table with the column ``graph``, and the column ``label`` if all graphs have labels.

    The label is the attribute ``y`` of a PyTorch Geometric graph, or the graph attribute ``y`` (else ``label``) of a
    networkx graph. Node features are the attribute ``x`` of a PyTorch Geometric graph, or of each node of a networkx
    graph. If they are one-hot for every node, they become node labels, else node attributes.

    Parameters
    ----------
    values
        A list of PyTorch Geometric's ``Data`` or of networkx graphs, or a data set that can be indexed like a list.
    settings
        With ``features = "attributes"``, node features become attributes even if they are one-hot.
    fitted_spec
        The specification of a trained model. If given, node features become labels or attributes as in training. If
        they are labels, a node whose features are all 0 has an unknown label.

    Raises
    ------
    InputError
        If the list is empty, or a graph is invalid. The message gives the position of that graph, from 0.
    """
    labels = False if settings.features == "attributes" else None
    if fitted_spec is not None:
        labels = "attributes" not in fitted_spec.features_of_nodes
    graphs = [_to_graph(value, number) for number, value in enumerate(_each(values))]
    if not graphs:
        raise InputError("there are no graphs in the list")
    if sum(graph.nodes for graph in graphs) > MAX_NODES:
        raise InputError(f"the graphs have {sum(graph.nodes for graph in graphs):,} nodes, and at most {MAX_NODES:,}"
                         " are taken")  # fmt: skip
    attributes, node_labels = _node_features(graphs), None
    if attributes is not None and labels is not False and _one_hot(attributes, or_none=labels is True):
        node_labels = np.where(attributes.any(1), attributes.argmax(1), -1)[:, None]
        attributes = None
    edge_index = [
        np.unique(graph.edge_index, axis=1) if graph.edge_index.size else graph.edge_index for graph in graphs
    ]
    packed = PackedGraphs(
        np.array([graph.nodes for graph in graphs], np.int64),
        np.array([each.shape[1] for each in edge_index], np.int64),
        np.concatenate(edge_index, 1),
        labels=node_labels,
        attributes=attributes,
    )
    columns: dict[str, pa.Array] = {GRAPH: packed.to_column()}
    notes = []
    repeated = sum(graph.edge_index.shape[1] for graph in graphs) - packed.edge_index.shape[1]
    if repeated:
        notes.append(f"{repeated:,} edges are repeated and count once")
    classes = [graph.label for graph in graphs]
    without = sum(label is None for label in classes)
    if not without:
        columns[LABEL] = _column(classes)
    elif without < len(classes):
        notes.append(f"{without:,} of {len(classes):,} graphs have no label that is one number: labels are left out")
    return Records(pa.table(columns), tuple(notes), LABEL if LABEL in columns else None)


def _first(values: Any) -> Any:
    try:
        return values[0] if hasattr(values, "__getitem__") and len(values) and not hasattr(values, "columns") else None
    except (TypeError, KeyError, IndexError, ValueError):
        return None


def _each(values: Any) -> Sequence[Any]:
    return [values[n] for n in range(len(values))]


def _is_pyg(value: Any) -> bool:
    return hasattr(value, "edge_index") and hasattr(value, "num_nodes")


def _is_networkx(value: Any) -> bool:
    return all(hasattr(value, name) for name in ("is_directed", "number_of_nodes", "edges", "nodes"))


def _to_graph(value: Any, number: int) -> SingleGraph:
    if _is_pyg(value):
        return _from_pyg(value, number)
    if _is_networkx(value):
        return _from_networkx(value, number)
    raise InputError(f"graph {number} is {type(value).__name__}: give PyTorch Geometric's Data, or networkx's graphs")


def _from_pyg(value: Any, number: int) -> SingleGraph:
    if value.edge_index is None and getattr(value, "adj_t", None) is not None:
        raise InputError(f"graph {number}: its edges are a matrix, adj_t: give edge_index, 2 x edges")
    edge_index = (
        np.zeros((2, 0), np.int64) if value.edge_index is None else _numbers(value.edge_index, "edge_index", number)
    )
    if edge_index.ndim != 2 or len(edge_index) != 2:
        raise InputError(
            f"graph {number}: edge_index is {' x '.join(map(str, edge_index.shape))}, and should be 2 x edges"
        )
    if edge_index.dtype.kind not in "iu":
        raise InputError(f"graph {number}: edge_index holds {edge_index.dtype}, and numbers of nodes are whole")
    x, y = getattr(value, "x", None), getattr(value, "y", None)
    label = y
    if not (y is None or isinstance(y, str | int | float)):
        single = _numbers(y, "y", number).reshape(-1)
        label = single[0].item() if len(single) == 1 else None
    features = None if x is None else _numbers(x, "x", number)
    return _check(int(value.num_nodes or 0), edge_index.astype(np.int64), features, label, number)


def _from_networkx(value: Any, number: int) -> SingleGraph:
    positions = {name: position for position, name in enumerate(value.nodes)}
    pairs = np.array([(positions[a], positions[b]) for a, b in value.edges()], np.int64).reshape(-1, 2)
    if not value.is_directed():
        loops = pairs[:, 0] == pairs[:, 1]
        pairs = np.concatenate([pairs, pairs[~loops, ::-1]])
    given = [data.get("x") for _, data in value.nodes(data=True)]
    x = None
    if any(one is not None for one in given):
        if any(one is None for one in given):
            raise InputError(f"graph {number}: some of its nodes have no attribute 'x', which others have")
        try:
            x = np.array([np.atleast_1d(np.asarray(one, np.float64)) for one in given])
        except (TypeError, ValueError):
            raise InputError(f"graph {number}: the attribute 'x' of its nodes is not numbers of one shape") from None
    label = value.graph.get("y", value.graph.get("label"))
    return _check(value.number_of_nodes(), pairs.T, x, label, number)


def _numbers(value: Any, what: str, number: int) -> ndarray:
    """Convert a tensor or an array to a numpy array of numbers.

    In error messages, ``what`` is the name of the value, such as ``"edge_index"``, and ``number`` the position of its
    graph in the list.

    Raises
    ------
    InputError
        If the value does not hold numbers.
    """
    try:
        array = np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError):
        array = np.zeros(0, object)
    if array.dtype.kind not in "biuf":
        raise InputError(f"graph {number}: {what} is {type(value).__name__}, and should be a tensor of numbers")
    return array


def _check(nodes: int, edge_index: Int64[ndarray, " 2 E"], x: ndarray | None, label: Any, number: int) -> SingleGraph:
    outside = edge_index[(edge_index < 0) | (edge_index >= nodes)]
    if len(outside):
        raise InputError(f"graph {number}: an edge at node {outside[0]}; its {nodes} nodes are numbered from 0")
    if x is None:
        return SingleGraph(nodes, edge_index, None, label)
    if x.ndim == 0 or len(x) != nodes:
        raise InputError(f"graph {number}: features of {x.shape[0] if x.ndim else 0} nodes, and it has {nodes}")
    x = x.reshape(nodes, int(np.prod(x.shape[1:])))
    if not (abs(x) <= np.finfo(np.float32).max).all():
        raise InputError(f"graph {number}: a node's features are not finite, or too large")
    return SingleGraph(nodes, edge_index, x.astype(np.float32), label)


def _node_features(graphs: Sequence[SingleGraph]) -> Float32[ndarray, " N A"] | None:
    widths = {n: 0 if graph.x is None else graph.x.shape[1] for n, graph in enumerate(graphs) if graph.nodes}
    first = next(iter(widths), -1)
    for number, width in widths.items():
        if width != widths[first]:
            features = [f"{w or 'no'} features a node" for w in (width, widths[first])]
            raise InputError(f"graph {number} has {features[0]}, and graph {first} has {features[1]}")
    if not any(widths.values()):
        return None
    return np.concatenate([graph.x for graph in graphs if graph.x is not None and graph.nodes])


def _one_hot(x: Float32[ndarray, " N A"], or_none: bool) -> bool:
    ones: Bool[ndarray, " N A"] = x == 1
    counts = ones.sum(1)
    return len(x) > 0 and bool((ones | (x == 0)).all() and ((counts == 1) | (or_none & (counts == 0))).all())


def _column(labels: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(labels, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        kinds = ", ".join(sorted({type(label).__name__ for label in labels}))
        raise InputError(f"the graphs' labels are of kinds that do not go together: {kinds}") from None
