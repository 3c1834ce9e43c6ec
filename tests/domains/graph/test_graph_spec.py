"""Test the specification of graphs: what is learned from the data, and how graphs are converted to samples."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from pydantic import ValidationError

from contramix.domains.graph import spec as of_spec
from contramix.domains.graph.packed import GRAPH, PackedGraphs
from contramix.domains.graph.settings import GraphSettings
from contramix.domains.graph.spec import DEGREES, GraphSpec
from contramix.errors import InputError


def table(labels=None, attributes=None, nodes=(3, 0, 2), edges=(4, 0, 2)) -> pa.Table:
    """A path of three nodes, a graph without nodes, and one edge from the second to the first of two, twice."""
    ends = np.array([[0, 1, 1, 2, 1, 1], [1, 0, 2, 1, 0, 0]])[:, : sum(edges)]
    given = [None if v is None else np.asarray(v, t) for v, t in ((labels, np.int64), (attributes, np.float32))]
    return pa.table({GRAPH: PackedGraphs(np.array(nodes), np.array(edges), ends, *given).to_column()})


def learned(of: pa.Table, **settings) -> GraphSpec:
    return GraphSpec.learn(of, GraphSettings(**settings))[0]


LABELS = [[5, 0], [7, 1], [5, 1], [-2, 0], [7, 0]]
ATTRIBUTES = [[1.0, 4.0], [2.0, 4.0], [3.0, 4.0], [4.0, 4.0], [5.0, 4.0]]


def test_labels_are_one_hot_by_column():
    spec = learned(table(LABELS))
    assert (spec.features_of_nodes, spec.labels, spec.width) == (("labels",), ((-2, 5, 7), (0, 1)), 5)
    expected = [[0, 1, 0, 1, 0], [0, 0, 1, 0, 1], [0, 1, 0, 0, 1], [1, 0, 0, 1, 0], [0, 0, 1, 1, 0]]
    assert spec.tensorize(table(LABELS)).x.tolist() == expected
    assert spec.inputs().kind == "graphs"
    assert spec.inputs().shape == (5,)


def test_labels_that_training_graphs_do_not_have_take_no_place():
    spec = learned(table(LABELS))
    other = table([[5, 0], [99, 1], [5, 2], [-2, 0], [7, 0]])
    assert spec.tensorize(other).x.tolist()[1:3] == [[0, 0, 0, 0, 1], [0, 1, 0, 0, 0]]
    assert spec.input_notes(other) == ("2 of 5 nodes have labels that the training graphs did not have",)


def test_attributes_are_standardised_and_constant_ones_are_zero():
    spec = learned(table(attributes=ATTRIBUTES))
    x = spec.tensorize(table(attributes=ATTRIBUTES)).x
    np.testing.assert_allclose(x[:, 0], (np.arange(1, 6) - 3) / np.sqrt(2), rtol=1e-6)
    assert not x[:, 1].any()
    both = learned(table(LABELS, ATTRIBUTES))
    assert (both.features_of_nodes, both.width) == (("labels", "attributes"), 7)
    assert torch.equal(both.tensorize(table(LABELS, ATTRIBUTES)).x[:, 5:], x)


def test_degrees_count_edges_that_lead_to_a_node_and_are_capped():
    spec, notes = GraphSpec.learn(table(), GraphSettings(most_degree=3))
    assert spec.features_of_nodes == ("degree",)
    assert notes == ("nodes have neither labels nor attributes: their features are their degrees (graph.features)",)
    x = spec.tensorize(table()).x
    assert x.shape == (5, 4)
    assert x.argmax(1).tolist() == [1, 2, 1, 2, 0]
    assert x.sum(1).tolist() == [1] * 5
    capped = learned(table(), most_degree=1).tensorize(table()).x
    assert capped.argmax(1).tolist() == [1, 1, 1, 1, 0]
    assert learned(table(), features="ones").tensorize(table()).x.tolist() == [[1.0]] * 5


def test_edges_stand_in_the_order_of_where_they_lead():
    graphs = learned(table()).tensorize(table())
    assert graphs.edges.tolist() == [[1, 0, 2, 1, 4, 4], [0, 1, 1, 2, 3, 3]]
    assert graphs.node_counts.tolist() == [3, 0, 2]
    assert graphs.edge_counts.tolist() == [4, 0, 2]
    assert not graphs.undirected
    path = learned(table()).tensorize(table().slice(0, 2))
    assert path.undirected
    # A self loop is there both ways.
    looped = PackedGraphs(np.array([2]), np.array([3]), np.array([[0, 1, 1], [1, 0, 1]]))
    assert learned(table()).pack(looped).undirected
    # Two one way and one the other are not.
    uneven = PackedGraphs(np.array([2]), np.array([3]), np.array([[0, 0, 1], [1, 1, 0]]))
    assert not learned(table()).pack(uneven).undirected


def test_plain_features_by_loop():
    spec = learned(table(LABELS))
    graphs = spec.tensorize(table(LABELS))
    found = spec.features(graphs)
    first = np.array([0, 3, 3, 5])
    for row in range(3):
        x = graphs.x[first[row] : first[row + 1]].numpy()
        n, e = float(graphs.node_counts[row]), float(graphs.edge_counts[row])
        degrees = [int((graphs.edges[1] == v).sum()) for v in range(first[row], first[row + 1])]
        counts = np.bincount(degrees, minlength=DEGREES).astype(float)
        mean = [v / max(n, 1) for v in (x.sum(0), counts)]
        expected = np.concatenate([[n, e, e / max(n, 1), np.log1p(n), np.log1p(e)], x.sum(0), counts, *mean])
        np.testing.assert_allclose(found[row], expected, rtol=1e-6)


def test_written_and_read(tmp_path):
    for spec in (learned(table(LABELS, ATTRIBUTES)), learned(table()), learned(table(LABELS), features="ones")):
        again = GraphSpec.model_validate_json(spec.model_dump_json())
        assert again == spec
        given = table(LABELS, ATTRIBUTES)
        assert torch.equal(again.tensorize(given).x, spec.tensorize(given).x)


DAMAGED = {
    "a std for no mean": {"std": [1.0, 1.0, 1.0]},
    "a std of 0": {"std": [0.0, 1.0]},
    "a std that is no number": {"std": [float("nan"), 1.0]},
    "features twice": {"features_of_nodes": ["labels", "labels"]},
    "features of which nothing is known": {"labels": []},
    "no features": {"features_of_nodes": []},
    "what is known of no feature": {"features_of_nodes": ["labels"]},
    "an unknown feature": {"features_of_nodes": ["colour"]},
    "another format": {"format_version": 2},
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_damaged_specifications_are_refused(change):
    written = learned(table(LABELS, ATTRIBUTES)).model_dump(mode="json")
    with pytest.raises(ValidationError):
        GraphSpec.model_validate_json(json.dumps({**written, **change}))


def test_graphs_that_have_not_what_was_learned():
    with pytest.raises(InputError, match="nodes have 0 columns of labels; those of the training graphs have 2"):
        learned(table(LABELS)).tensorize(table())
    with pytest.raises(InputError, match="nodes have 1 columns of attributes; those of the training graphs have 2"):
        learned(table(attributes=ATTRIBUTES)).tensorize(table(attributes=[[1.0]] * 5))
    # More than was learned is no harm.
    assert learned(table()).tensorize(table(LABELS, ATTRIBUTES)).x.shape == (5, 65)


def test_what_cannot_be_learned_from():
    for settings in ("labels", "attributes"):
        with pytest.raises(
            InputError, match=f"graph.features = '{settings}': the nodes have none; use 'degree' or 'ones'"
        ):
            learned(table(), features=settings)
    with pytest.raises(InputError, match="no nodes"):
        learned(table(nodes=(0, 0), edges=(0, 0)))
    with pytest.raises(InputError, match="no graphs to learn from"):
        learned(table().slice(0, 0))
    with pytest.raises(InputError, match="there is no column 'graph'"):
        learned(pa.table({"a": [1]}))
    with pytest.raises(InputError, match="holds int64, not graphs"):
        learned(pa.table({GRAPH: [1]}))
    with pytest.raises(InputError, match="1 rows without one"):
        learned(pa.table({GRAPH: pa.concat_arrays([table()[GRAPH].chunk(0), pa.nulls(1, table()[GRAPH].type)])}))
    many = PackedGraphs(np.array([20_001]), np.array([0]), np.zeros((2, 0), np.int64), np.arange(20_001)[:, None])
    with pytest.raises(InputError, match=r"20,001 different labels.*graph\.features = 'degree'"):
        learned(pa.table({GRAPH: many.to_column()}))


def test_statistics_of_test_graphs_too_where_they_may_be_seen():
    """The transductive protocol."""
    other = table([[9, 0]] * 5, np.array(ATTRIBUTES) + 10)
    spec = GraphSpec.learn(table(LABELS, ATTRIBUTES), GraphSettings(), extra_rows=other)[0]
    assert spec.labels == ((-2, 5, 7, 9), (0, 1))
    assert spec.mean == pytest.approx((8, 9))
    for unlike in (table(), table(attributes=ATTRIBUTES), table([[1]] * 5)):
        with pytest.raises(InputError, match="those to be joined have"):
            GraphSpec.learn(table(LABELS), GraphSettings(), extra_rows=unlike)


def test_sizes_that_cannot_be(monkeypatch):
    for nodes in ([3, -1, 3], [2**31, 0, 2]):
        damaged = {"nodes": nodes, "source": [[], [], []], "target": [[], [], []]}
        column = pa.StructArray.from_arrays(
            [
                pa.array(damaged["nodes"]),
                *(pa.array(damaged[e], pa.large_list(pa.int32())) for e in ("source", "target")),
            ],
            ["nodes", "source", "target"],
        )
        with pytest.raises(InputError, match="impossible sizes"):
            learned(pa.table({GRAPH: column}))
    monkeypatch.setattr(of_spec, "MAX_BYTES", 1000)
    with pytest.raises(InputError, match=r"65 features of 5 nodes take 0 GiB.*graph\.features = 'ones'"):
        learned(table()).tensorize(table())


@pytest.mark.parametrize("ends", [([3], [0]), ([-1], [0]), ([0, 1], [0])])
def test_edges_to_nodes_that_are_not_there(ends):
    column = pa.StructArray.from_arrays(
        [pa.array([3]), *(pa.array([e], pa.large_list(pa.int32())) for e in ends)], ["nodes", "source", "target"]
    )
    with pytest.raises(InputError, match="edges to nodes that do not exist"):
        learned(pa.table({GRAPH: column}))
