"""Test graphs of PyTorch Geometric and networkx: valid ones, and one clear error line for each invalid one."""

import networkx as nx
import numpy as np
import pytest
import torch

from contramix.domains import DOMAINS, find_domain_of_values
from contramix.domains.graph.packed import PackedGraphs
from contramix.domains.graph.settings import GraphSettings
from contramix.errors import InputError

pyg = pytest.importorskip("torch_geometric.data", reason="reads PyTorch Geometric's graphs")
Data = pyg.Data


def read(values, like=None, **settings):
    return DOMAINS["graph"].from_values(values, GraphSettings(**settings), like)


def described(values, **settings):
    table = read(values, **settings).table
    return DOMAINS["graph"].spec.learn(table, GraphSettings(**settings))[0]


def edges(*pairs) -> torch.Tensor:
    return torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T


def graphs(reading) -> list[tuple[int, set[tuple[int, int]]]]:
    rows = reading.table.column("graph").to_pylist()
    return [(row["nodes"], set(zip(row["source"], row["target"]))) for row in rows]


def packed(reading) -> PackedGraphs:
    return PackedGraphs.from_column(reading.table.column("graph"))


def two(**second) -> list:
    """A graph of three nodes, and one of two that may be changed."""
    facts = {"x": torch.tensor([[3.0, 1.5], [-1.0, 0.0]]), "edge_index": edges((0, 1)), "y": 1} | second
    return [Data(x=torch.arange(6.0).reshape(3, 2), edge_index=edges((0, 1), (1, 0), (2, 2)), y=0), Data(**facts)]


def test_a_list_of_data():
    values = two()
    assert find_domain_of_values(values) == find_domain_of_values(tuple(values)) == "graph"
    reading = read(values)
    assert graphs(reading) == [(3, {(0, 1), (1, 0), (2, 2)}), (2, {(0, 1)})]
    assert packed(reading).attributes.tolist() == [[0, 1], [2, 3], [4, 5], [3, 1.5], [-1, 0]]
    assert packed(reading).labels is None
    assert reading.table.column("label").to_pylist() == [0, 1]
    assert reading.target == "label"
    assert reading.notes == ()


class InMemory(pyg.InMemoryDataset):
    def __init__(self, each):
        super().__init__(None)
        self.data, self.slices = self.collate(each)


def test_data_sets_and_batches_of_pyg_are_lists():
    values = two()
    expected = read(values).table
    for many in (InMemory(values), pyg.Batch.from_data_list(values)):
        assert find_domain_of_values(many) == "graph"
        assert packed(read(many)).edge_index.tolist() == packed(read(values)).edge_index.tolist()
        assert read(many).table.column("graph").equals(expected.column("graph"))
        assert read(many).table.column("label").to_pylist() == [0, 1]
    assert read(InMemory(values)[torch.tensor([1])]).table.num_rows == 1


@pytest.mark.parametrize("nothing", [{"edge_index": None}, {"edge_index": edges()}])
def test_without_edges_or_nodes(nothing):
    assert graphs(read(two(**nothing)))[1] == (2, set())
    empty = Data(x=torch.zeros(0, 2), **nothing)
    assert graphs(read([*two(), empty]))[2] == (0, set())
    assert graphs(read([empty, *two(), Data(num_nodes=0, **nothing)]))[3] == (0, set())
    assert packed(read([empty, *two()])).attributes.shape == (5, 2)


def test_isolated_nodes_count_where_their_number_is_known():
    values = [Data(edge_index=edges((0, 1), (1, 0)), num_nodes=4)] * 2
    assert graphs(read(values)) == [(4, {(0, 1), (1, 0)})] * 2


def test_features_of_one_number_and_of_several_axes():
    flat = two(x=torch.tensor([5.0, 6.0]))
    flat[0].x = torch.tensor([1.0, 2.0, 4.0])
    assert packed(read(flat)).attributes.tolist() == [[1], [2], [4], [5], [6]]
    deep = two(x=torch.ones(2, 2, 3))
    deep[0].x = torch.zeros(3, 2, 3)
    assert packed(read(deep)).attributes.shape == (5, 6)


def test_edges_that_stand_there_twice_count_once():
    reading = read(two(edge_index=edges((0, 1), (0, 1), (0, 1))))
    assert graphs(reading)[1] == (2, {(0, 1)})
    assert packed(reading).edges.tolist() == [3, 1]
    assert reading.notes == ("2 edges are repeated and count once",)


LABELS = {
    "numbers": ([0, 1], [0, 1]),
    "tensors": ([torch.tensor([3]), torch.tensor(4)], [3, 4]),
    "quantities": ([torch.tensor([[0.5]]), 2.0], [0.5, 2.0]),
    "words": (["a", "b"], ["a", "b"]),
}


@pytest.mark.parametrize(("given", "expected"), LABELS.values(), ids=LABELS)
def test_labels(given, expected):
    values = two(y=given[1])
    values[0].y = given[0]
    assert read(values).table.column("label").to_pylist() == expected


def test_labels_that_some_do_not_have_are_left_out_and_said():
    for missing in (None, torch.tensor([1.0, 2.0])):
        reading = read(two(y=missing))
        assert reading.target is None
        assert reading.table.column_names == ["graph"]
        assert reading.notes == ("1 of 2 graphs have no label that is one number: labels are left out",)
    values = two(y=None)
    values[0].y = None
    assert read(values).notes == ()


# ---------------------------------------------------------------- networkx


def test_networkx():
    undirected = nx.Graph([("a", "b"), ("b", "c"), ("c", "c")], y="ring")
    undirected.add_node("alone")
    directed = nx.DiGraph([(10, 20), (20, 30), (30, 30)], label="line")
    many = nx.MultiGraph([(0, 1), (0, 1), (1, 0)], y="many")
    reading = read([undirected, directed, many, nx.Graph(y="none")])
    assert find_domain_of_values([undirected]) == "graph"
    assert graphs(reading) == [
        (4, {(0, 1), (1, 0), (1, 2), (2, 1), (2, 2)}),
        (3, {(0, 1), (1, 2), (2, 2)}),
        (2, {(0, 1), (1, 0)}),
        (0, set()),
    ]
    assert reading.table.column("label").to_pylist() == ["ring", "line", "many", "none"]
    assert packed(reading).attributes is None
    assert reading.notes == ("4 edges are repeated and count once",)


def test_networkx_s_attribute_x():
    graph = nx.path_graph(3)
    for node in graph:
        graph.nodes[node]["x"] = [node, 0.5]
    assert packed(read([graph, graph])).attributes.tolist() == [[0, 0.5], [1, 0.5], [2, 0.5]] * 2
    for node in graph:
        graph.nodes[node]["x"] = node
    assert packed(read([graph])).attributes.tolist() == [[0], [1], [2]]


def test_both_kinds_in_one_list():
    graph = nx.DiGraph([(0, 1)], y=1)
    graph.nodes[0]["x"], graph.nodes[1]["x"] = [3.0, 1.5], [-1.0, 0.0]
    reading = read([two()[0], graph])
    assert reading.table.equals(read(two()).table)


# ---------------------------------------------------------------- one-hot features are labels


def one_hot(*labels, width=4) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor(labels), width).float()


def hot(*labels: int) -> list:
    values = two(x=one_hot(3, 1))
    values[0].x = one_hot(0, 1, 1)
    return values


def test_one_hot_features_are_labels():
    """As PyTorch Geometric gives labels; they are neither standardised nor lost to plain models."""
    reading = read(hot())
    assert packed(reading).labels[:, 0].tolist() == [0, 1, 1, 3, 1]
    assert packed(reading).attributes is None
    spec = described(hot())
    assert (spec.features_of_nodes, spec.labels) == (("labels",), ((0, 1, 3),))
    assert described(hot(), features="attributes").mean == pytest.approx([0.2, 0.6, 0, 0.2])
    almost = hot()
    almost[1].x[0, 0] = 1.0
    assert packed(read(almost)).labels is None


def test_a_trained_model_takes_features_as_it_learned_them():
    numbers, labels = described(two()), described(hot())
    # These happen to be one-hot, and are numbers of a model that has numbers.
    both = [Data(x=torch.tensor([[1.0, 0.0], [0.0, 1.0]]), edge_index=edges((0, 1)))]
    assert packed(read(both)).labels is not None
    assert packed(read(both, numbers)).attributes.tolist() == [[1, 0], [0, 1]]
    # A node without a 1 has a label that training graphs did not have.
    none = [Data(x=torch.tensor([[0.0, 1, 0, 0], [0, 0, 0, 0]]), edge_index=edges((0, 1)))]
    assert packed(read(none)).labels is None
    assert packed(read(none, labels)).labels[:, 0].tolist() == [1, -1]
    assert labels.tensorize(read(none, labels).table).x.tolist() == [[0, 1, 0], [0, 0, 0]]
    assert labels.input_notes(read(none, labels).table) == (
        "1 of 2 nodes have labels that the training graphs did not have",
    )
    assert labels.input_notes(read(hot(), labels).table) == ()


# ---------------------------------------------------------------- what is wrong

INDEX = {
    "too large": (edges((0, 1), (0, 2)), "graph 1: an edge at node 2; its 2 nodes are numbered from 0"),
    "negative": (edges((0, -1)), "graph 1: an edge at node -1"),
    "not whole": (torch.tensor([[0.0], [1.0]]), "graph 1: edge_index holds float32, and numbers of nodes are whole"),
    "truths": (torch.tensor([[True], [False]]), "graph 1: edge_index holds bool"),
    "three rows": (torch.zeros(3, 4, dtype=torch.long), "graph 1: edge_index is 3 x 4, and should be 2 x edges"),
    "one row": (torch.zeros(4, dtype=torch.long), "graph 1: edge_index is 4, and should be 2 x edges"),
    "turned": (torch.zeros(4, 2, dtype=torch.long), "graph 1: edge_index is 4 x 2"),
    "words": ("0 1", "graph 1: edge_index is str, and should be a tensor of numbers"),
    "a sparse matrix": (torch.eye(2).to_sparse(), "graph 1: edge_index is Tensor, and should be a tensor of numbers"),
}
X = {
    "NaN": (torch.tensor([[0.0, 1.0], [torch.nan, 0.0]]), "graph 1: a node's features are not finite, or too large"),
    "infinite": (torch.full((2, 2), torch.inf), "graph 1: a node's features are not finite"),
    "beyond single precision": (torch.full((2, 2), 1e300, dtype=torch.float64), "graph 1: a node's features are not"),
    "wider": (torch.ones(2, 3), "graph 1 has 3 features a node, and graph 0 has 2 features a node"),
    "none": (None, "graph 1 has no features a node, and graph 0 has 2 features a node"),
    "complex": (torch.ones(2, 2, dtype=torch.complex64), "graph 1: x is Tensor, and should be a tensor of numbers"),
    "a number": (torch.tensor(1.0), "graph 1: features of 0 nodes"),
}


@pytest.mark.parametrize(("index", "said"), INDEX.values(), ids=INDEX)
def test_edges_that_are_none(index, said):
    with pytest.raises(InputError, match=said):
        read([two()[0], Data(x=torch.ones(2, 2), edge_index=index, num_nodes=2)])


@pytest.mark.parametrize(("x", "said"), X.values(), ids=X)
def test_features_that_are_none(x, said):
    with pytest.raises(InputError, match=said):
        read([two()[0], Data(x=x, edge_index=edges((0, 1)), num_nodes=2)])


def test_features_of_another_number_of_nodes():
    with pytest.raises(InputError, match="graph 1: features of 3 nodes, and it has 2"):
        read([two()[0], Data(x=torch.ones(3, 2), edge_index=edges((0, 1)), num_nodes=2)])


def test_other_things_in_the_list():
    hetero = pyg.HeteroData()
    hetero["paper"].x = torch.ones(2, 2)
    for other, name in ((hetero, "HeteroData"), (None, "NoneType"), ("graph", "str"), (np.zeros(3), "ndarray")):
        with pytest.raises(InputError, match=f"graph 1 is {name}: give PyTorch Geometric's Data, or networkx's"):
            read([two()[0], other])
    with pytest.raises(InputError, match="no graphs in the list"):
        read([])
    matrix = Data(x=torch.ones(2, 2), adj_t=torch.eye(2))
    with pytest.raises(InputError, match="graph 1: its edges are a matrix, adj_t: give edge_index"):
        read([two()[0], matrix])
    with pytest.raises(InputError, match="labels are of kinds that do not go together: int, str"):
        read(two(y="a"))
    with pytest.raises(InputError, match="the graphs have 2,199,023,255,552 nodes, and at most"):
        read([Data(num_nodes=2**40, edge_index=edges()), Data(num_nodes=2**40, edge_index=edges())])


def test_networkx_s_that_are_wrong():
    graph = nx.path_graph(3)
    graph.nodes[0]["x"] = [1.0]
    with pytest.raises(InputError, match="graph 0: some of its nodes have no attribute 'x', which others have"):
        read([graph])
    graph.nodes[1]["x"], graph.nodes[2]["x"] = [1.0], [1.0, 2.0]
    with pytest.raises(InputError, match="graph 0: the attribute 'x' of its nodes is not numbers of one shape"):
        read([graph])
    graph.nodes[2]["x"] = "red"
    with pytest.raises(InputError, match="graph 0: the attribute 'x' of its nodes is not numbers of one shape"):
        read([graph])


@pytest.mark.parametrize(
    "values", [np.zeros((3, 2)), torch.zeros(3, 2), [], "abc", [[1, 2]], {0: 1}, two()[0], [None], range(3)]
)
def test_values_of_other_domains_are_not_claimed(values):
    assert not DOMAINS["graph"].recognizes_values(values)
