"""Compare Weisfeiler-Lehman colors with a refinement by dictionaries."""

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import torch

from contramix.domains.graph.packed import GRAPH, PackedGraphs
from contramix.domains.graph.settings import GraphSettings
from contramix.domains.graph.spec import GraphSpec
from contramix.errors import InputError
from contramix.evaluation.baselines import EvaluationRecords
from contramix.evaluation.baselines.wl import color_counts, wl
from contramix.evaluation.cross_validation import cross_validate_probe
from contramix.models.labeled_records import prepare_labeled_records


def random_graphs(number: int, seed: int, labels: int, undirected: bool) -> PackedGraphs:
    """Small ones, so that the same colors turn up again and again; the first has no nodes."""
    draw = np.random.default_rng(seed)
    nodes = np.concatenate([[0], draw.integers(1, 7, number - 1)])
    each = []
    for n in nodes:
        pairs = draw.integers(0, max(1, n), (2, draw.integers(0, 9))) if n else np.zeros((2, 0), np.int64)
        each.append(np.unique(np.concatenate([pairs, pairs[::-1]], 1) if undirected else pairs, axis=1))
    given = draw.integers(0, labels, (int(nodes.sum()), 1)) if labels else None
    return PackedGraphs(nodes, np.array([e.shape[1] for e in each]), np.concatenate(each, 1).astype(np.int64), given)


def literal(graphs: PackedGraphs, rounds: int) -> list[Counter]:
    """Colours as nested tuples: a node's own, and the sorted colors of those from which an edge leads to it."""
    first_node, first_edge = graphs.nodes.cumsum() - graphs.nodes, graphs.edges.cumsum() - graphs.edges
    found = []
    for number, count in enumerate(graphs.nodes.tolist()):
        ends = graphs.edge_index[:, first_edge[number] : first_edge[number] + graphs.edges[number]].T.tolist()
        of = range(first_node[number], first_node[number] + count)
        colors = [() if graphs.labels is None else tuple(graphs.labels[node].tolist()) for node in of]
        seen = Counter((0, color) for color in colors)
        for round_ in range(1, rounds + 1):
            colors = [(colors[node], tuple(sorted(colors[a] for a, b in ends if b == node))) for node in range(count)]
            seen.update((round_, color) for color in colors)
        found.append(seen)
    return found


@pytest.mark.parametrize("undirected", [True, False])
@pytest.mark.parametrize("labels", [0, 3])
def test_colors_are_those_of_a_literal_refinement(labels, undirected):
    graphs = random_graphs(60, labels, labels, undirected)
    for rounds in range(4):
        expected, found = literal(graphs, rounds), color_counts(graphs, rounds).toarray()
        kinds = sorted({color for counts in expected for color in counts}, key=repr)
        assert found.shape == (60, len(kinds))
        table = np.array([[counts[kind] for kind in kinds] for counts in expected])
        # The same columns, by whatever numbers colors are called.
        assert sorted(map(tuple, table.T.tolist())) == sorted(map(tuple, found.T.tolist()))


def test_the_order_of_nodes_says_nothing():
    graphs = random_graphs(20, 5, 3, True)
    draw, first = np.random.default_rng(0), graphs.first_node
    ends, labels = graphs.edge_index.copy(), graphs.labels.copy()
    which = np.arange(20).repeat(graphs.edges)
    for number, count in enumerate(graphs.nodes):
        place = draw.permutation(count)
        ends[:, which == number] = place[ends[:, which == number]]
        labels[first[number] + place] = graphs.labels[first[number] : first[number] + count]
    moved = color_counts(PackedGraphs(graphs.nodes, graphs.edges, ends, labels))
    np.testing.assert_array_equal(moved.toarray(), color_counts(graphs).toarray())


def rings(number: int) -> pa.Table:
    """Six nodes in one ring, or in two: of two neighbours each, so that only longer cycles or tails tell. A tail hangs
    on each, and its length is the class."""
    each, nodes = [], []
    for n in range(number):
        tail = 1 + n % 2
        pairs = [(a, (a + 1) % 6) for a in range(6)] + [(5 + t, 6 + t) for t in range(tail)]
        extra = n % 5  # isolated nodes, of which the class says nothing
        nodes.append(6 + tail + extra)
        each.append(np.array([*pairs, *(p[::-1] for p in pairs)]).T)
    packed = PackedGraphs(
        np.array(nodes), np.array([e.shape[1] for e in each]), np.concatenate(each, 1).astype(np.int64)
    )
    return pa.table({GRAPH: packed.to_column(), "label": [str(n % 2) for n in range(number)]})


def test_what_only_structure_tells_is_learned():
    table = rings(40)
    spec, _ = GraphSpec.learn(table, GraphSettings(), "label")
    data = prepare_labeled_records(spec, table, "label")
    predict = wl(EvaluationRecords(data.spec, data.content, data.x))
    nothing = np.zeros((40, 1), np.float32)
    found = cross_validate_probe(data.task, [[nothing]], data.y, folds=4, probe=lambda problem, z: predict(problem))
    assert found.mean == 1.0


def test_it_is_for_graphs():
    with pytest.raises(InputError, match="the baseline 'wl' is for graphs"):
        wl(EvaluationRecords(None, None, torch.zeros(2, 2)))
