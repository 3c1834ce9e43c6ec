"""Compare packed graphs with PyTorch Geometric's batches and with literal loops."""

import pytest
import torch

from contramix.samples.graph_states import GraphStates
from contramix.samples.graphs import Graphs
from contramix.samples.samples import compute_fingerprint, concatenate_samples, sequential_batches, take
from contramix.types import Mixture

LONG = torch.long


def graph(nodes: int, edges: int, seed: int, width: int = 3, dtype: torch.dtype = torch.float64):
    """Features, and different directed edges, self loops among them."""
    draw = torch.Generator().manual_seed(seed)
    picked = torch.randperm(nodes * nodes, generator=draw)[:edges]
    ends = torch.stack([picked // max(1, nodes), picked % max(1, nodes)])
    return torch.randn(nodes, width, generator=draw, dtype=dtype), ends


# With a graph without nodes, one without edges, one of a single node, and one of a single node that leads to itself.
SIZES = [(4, 7), (0, 0), (3, 0), (1, 0), (6, 20), (1, 1), (2, 1), (0, 0)]


def several(sizes=SIZES, dtype: torch.dtype = torch.float64):
    return [graph(nodes, edges, seed, dtype=dtype) for seed, (nodes, edges) in enumerate(sizes)]


def packed(graphs) -> Graphs:
    """By a loop over graphs, one behind the other."""
    before, edges = 0, []
    for x, ends in graphs:
        edges.append(ends + before)
        before += len(x)
    return Graphs(
        torch.cat([x for x, _ in graphs]),
        torch.cat(edges, 1),
        torch.tensor([len(x) for x, _ in graphs], dtype=LONG),
        torch.tensor([ends.shape[1] for _, ends in graphs], dtype=LONG),
    )


def same(one: Graphs, other: Graphs) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.tensors(), other.tensors()))


@pytest.fixture
def graphs() -> Graphs:
    return packed(several())


ROWS = {
    "a tensor": torch.tensor([4, 0, 2]),
    "one twice": torch.tensor([4, 4, 1, 4]),
    "all": torch.arange(8),
    "backwards": torch.arange(7, -1, -1),
    "none": torch.tensor([], dtype=LONG),
    "those without nodes": torch.tensor([7, 1, 1]),
    "a slice": slice(2, 7, 2),
    "an empty slice": slice(3, 3),
    "beyond the end": slice(6, 99),
    "from behind": torch.tensor([-1, -4]),
}


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_taking_some_is_packing_those(graphs, rows):
    numbers = torch.arange(len(SIZES))[rows].tolist()
    each = several()
    found = graphs[rows]
    assert len(found) == len(numbers)
    if numbers:
        assert same(found, packed([each[n] for n in numbers]))
    else:
        assert [tuple(t.shape) for t in found.tensors()] == [(0, 3), (2, 0), (0,), (0,)]


def test_batches_are_pyg_s(graphs):
    pyg = pytest.importorskip("torch_geometric.data", reason="compares with PyTorch Geometric")
    each = several()
    rows = torch.tensor([4, 2, 1, 0, 4, 6, 5, 3, 7])
    theirs = pyg.Batch.from_data_list([pyg.Data(x=each[n][0], edge_index=each[n][1]) for n in rows.tolist()])
    mine = graphs[rows]
    assert torch.equal(mine.x, theirs.x)
    assert torch.equal(mine.edges, theirs.edge_index)
    assert torch.equal(mine.graph, theirs.batch)
    assert torch.equal(torch.cat([mine.first_node, mine.node_counts.sum()[None]]), theirs.ptr)
    from torch_geometric.nn import GINConv, global_add_pool

    torch.testing.assert_close(mine.sum_nodes(mine.x), global_add_pool(theirs.x, theirs.batch, size=len(rows)))
    summed = GINConv(torch.nn.Identity(), eps=0.0)(theirs.x, theirs.edge_index)
    torch.testing.assert_close(mine.x + mine.sum_predecessors(mine.x), summed)


def gathered_by_loop(graphs: Graphs, nodes: torch.Tensor) -> torch.Tensor:
    out = torch.zeros_like(nodes)
    for source, target in graphs.edges.T.tolist():
        out[target] += nodes[source]
    return out


@pytest.mark.parametrize("order", ["by graph", "by where they lead"])
def test_gathered_and_its_gradient_follow_edges_one_way(graphs, order):
    assert not graphs.undirected
    if order == "by where they lead":
        graphs = Graphs(graphs.x, graphs.edges[:, graphs.edges[1].argsort(stable=True)], *graphs.tensors()[2:])
    nodes = graphs.x.clone().requires_grad_()
    expected = gathered_by_loop(graphs, graphs.x)
    out = graphs.sum_predecessors(nodes)
    torch.testing.assert_close(out, expected)
    assert torch.autograd.gradcheck(graphs.sum_predecessors, (nodes,))
    # What flows back from a node reaches those from which an edge leads to it.
    weight = torch.randn_like(out)
    out.backward(weight)
    turned = Graphs(graphs.x, graphs.edges.flip(0), *graphs.tensors()[2:])
    torch.testing.assert_close(nodes.grad, gathered_by_loop(turned, weight))


def test_undirected_graphs_need_one_matrix():
    edges = torch.tensor([[0, 1, 1, 2, 3, 4, 4], [1, 0, 2, 1, 3, 3, 3]])
    both = torch.cat([edges[:, :4], torch.tensor([[3, 3, 4], [3, 4, 3]])], 1)
    graphs = Graphs(torch.randn(5, 2).double(), both, torch.tensor([3, 2]), torch.tensor([4, 3]), undirected=True)
    assert graphs.outgoing is graphs.incoming
    nodes = graphs.x.clone().requires_grad_()
    torch.testing.assert_close(graphs.sum_predecessors(nodes), gathered_by_loop(graphs, graphs.x))
    assert torch.autograd.gradcheck(graphs.sum_predecessors, (nodes,))
    assert graphs[torch.tensor([1])].undirected
    assert graphs.to("cpu").undirected


def test_an_edge_that_stands_there_twice_counts_twice():
    graphs = Graphs(torch.eye(2), torch.tensor([[0, 0], [1, 1]]), torch.tensor([2]), torch.tensor([2]))
    assert graphs.sum_predecessors(graphs.x).tolist() == [[0, 0], [2, 0]]


def test_sums_by_loop(graphs):
    nodes = torch.randn(len(graphs.x), 5, dtype=torch.float64, requires_grad=True)
    sums, first = [], 0
    for count in graphs.node_counts.tolist():
        sums.append(nodes.detach()[first : first + count].sum(0))
        first += count
    torch.testing.assert_close(graphs.sum_nodes(nodes), torch.stack(sums))
    assert torch.autograd.gradcheck(graphs.sum_nodes, (nodes,))


@pytest.mark.parametrize("sizes", [[(0, 0)], [(0, 0), (0, 0)], [(2, 0), (1, 0)]])
def test_without_nodes_or_edges(sizes):
    graphs = packed(several(sizes))
    nodes = graphs.x.clone().requires_grad_()
    graphs.sum_predecessors(nodes).sum().backward()
    assert nodes.grad.shape == nodes.shape
    assert not nodes.grad.any()
    assert graphs.sum_nodes(nodes).shape == (len(sizes), 3)


def test_joined(graphs):
    parts = [graphs[0:3], graphs[3:4], graphs[4:8]]
    assert same(Graphs.concatenate(parts), graphs)
    assert same(concatenate_samples(parts[0], parts[1]), graphs[0:4])
    assert not Graphs.concatenate(parts).undirected
    two = [Graphs(*part.tensors(), undirected=True) for part in parts[:2]]
    assert Graphs.concatenate(two).undirected
    assert not Graphs.concatenate([two[0], parts[1]]).undirected


def test_as_samples_of_a_run(graphs):
    rows = torch.tensor([6, 0, 4])
    assert same(take(graphs, rows), graphs[rows])
    assert same(Graphs.concatenate(list(sequential_batches(graphs, 3))), graphs)
    assert [len(batch) for batch in sequential_batches(graphs, 3)] == [3, 3, 2]
    assert compute_fingerprint(graphs) == compute_fingerprint(packed(several()))
    others = {compute_fingerprint(graphs[rows])} | {
        compute_fingerprint(Graphs(*(t + 1 if n == at else t for n, t in enumerate(graphs.tensors()))))
        for at in range(4)
    }
    assert len(others | {compute_fingerprint(graphs)}) == 6
    with pytest.raises(TypeError):
        concatenate_samples(graphs, torch.zeros(2, 3))


# ---------------------------------------------------------------- on their way through layers


@pytest.fixture
def states(graphs) -> GraphStates:
    """Behind two layers of widths 3 and 2."""
    first = GraphStates.from_graphs(graphs)
    assert first.values.shape == (len(graphs), 0)
    assert first.nodes is graphs.x
    second = first.append_layer(graphs.x * 2)
    return second.append_layer(second.nodes[:, :2] + 1)


def test_each_layer_s_sums_stand_behind_those_before(graphs, states):
    assert torch.equal(
        states.values, torch.cat([2 * graphs.sum_nodes(graphs.x), graphs.sum_nodes(2 * graphs.x[:, :2] + 1)], 1)
    )
    assert torch.equal(states.nodes, 2 * graphs.x[:, :2] + 1)
    assert [layer.shape[1] for layer in states.layers] == [3, 2]


def equal_states(one: GraphStates, other: GraphStates) -> bool:
    layers = len(one.layers) == len(other.layers) and all(map(torch.equal, one.layers, other.layers))
    return torch.equal(one.values, other.values) and same(one.graphs, other.graphs) and layers


def test_split_and_joined(states):
    parts = states.split([3, 1, 0, 4])
    assert [len(part) for part in parts] == [3, 1, 0, 4]
    assert equal_states(GraphStates.concatenate(parts), states)
    again = GraphStates.from_graphs(states.graphs[3:4])
    again = again.append_layer(again.nodes * 2)
    assert equal_states(parts[1], again.append_layer(again.nodes[:, :2] + 1))


def test_what_is_mixed_is_what_was_pooled(states):
    partner = torch.roll(torch.arange(len(states)), 1)[:, None]
    weight = torch.tensor([[0.75, 0.25]], dtype=torch.float64).expand(len(states), 2)
    x = 0.75 * states.values + 0.25 * states.values[partner[:, 0]]
    mixed = states.apply_mixture(Mixture(x, partner, weight))
    assert torch.equal(mixed.values, x)
    assert mixed.graphs is states.graphs
    assert mixed.layers is states.layers
    assert equal_states(mixed.with_values(states.values), states)
    # A layer behind adds what it pools of the sample's own nodes.
    assert torch.equal(mixed.append_layer(states.nodes).values[:, :5], x)
    assert torch.equal(mixed.append_layer(states.nodes).values[:, 5:], states.graphs.sum_nodes(states.nodes))
