"""Compare GIN with PyTorch Geometric's layers with the same weights, and with loops over nodes."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from contramix.encoders.encoder import Inputs
from contramix.encoders.gin import GIN
from contramix.samples.graph_states import GraphStates
from contramix.samples.graphs import Graphs

WIDTH, LAYERS, FEATURES = 6, 3, 4


def packed(each) -> Graphs:
    before, edges = 0, []
    for x, ends in each:
        edges.append(ends + before)
        before += len(x)
    counts = [torch.tensor(c, dtype=torch.long) for c in ([len(x) for x, _ in each], [e.shape[1] for _, e in each])]
    return Graphs(torch.cat([x for x, _ in each]), torch.cat(edges, 1), *counts)


def graph(nodes: int, edges: int, seed: int):
    """Different directed edges, self loops among them."""
    draw = torch.Generator().manual_seed(seed)
    picked = torch.randperm(nodes * nodes, generator=draw)[:edges]
    x = torch.randn(nodes, FEATURES, generator=draw, dtype=torch.float64)
    return x, torch.stack([picked // max(1, nodes), picked % max(1, nodes)])


# Among them: without nodes, without edges, a single node, a single node that leads to itself.
SIZES = [(5, 9), (0, 0), (3, 0), (1, 0), (1, 1), (7, 30)]


@pytest.fixture
def each():
    return [graph(nodes, edges, seed) for seed, (nodes, edges) in enumerate(SIZES)]


@pytest.fixture
def encoder():
    """With weights of every size, and running statistics that say something."""
    made = GIN(width=WIDTH, layers=LAYERS, centre=True).build(Inputs((FEATURES,), kind="graphs")).double()
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw, dtype=torch.float64) / 2)
    for norm in (m for m in made.modules() if isinstance(m, nn.BatchNorm1d)):
        norm.running_mean.normal_(generator=draw)
        norm.running_var.uniform_(0.5, 2, generator=draw)
    return made


def by_loop(encoder, each) -> torch.Tensor:
    """Node by node, with BatchNorm over all nodes in training mode."""
    states, pooled = [x for x, _ in each], [[] for _ in each]
    for number in range(1, LAYERS + 1):
        layer = encoder.stages[f"layer{number}"]
        made = []
        for x, ends in zip(states, (ends for _, ends in each)):
            rows = []
            for node in range(len(x)):
                total = (1 + layer.epsilon) * x[node]
                for source, target in ends.T.tolist():
                    if target == node:
                        total = total + x[source]
                hidden = (layer.mlp[0].weight @ total + layer.mlp[0].bias).clamp(min=0)
                rows.append((layer.mlp[2].weight @ hidden + layer.mlp[2].bias).clamp(min=0))
            made.append(torch.stack(rows) if rows else torch.zeros(0, WIDTH, dtype=torch.float64))
        norm, everything = layer.norm, torch.cat(made)
        mean, variance = norm.running_mean, norm.running_var
        if encoder.training:
            mean = sum(everything) / len(everything)
            variance = sum((row - mean) ** 2 for row in everything) / len(everything)
        states = [(x - mean) / (variance + norm.eps).sqrt() * norm.weight + norm.bias for x in made]
        for sums, x in zip(pooled, states):
            sums.append(x.sum(0))
    return torch.stack([torch.cat(sums) for sums in pooled])


@pytest.mark.parametrize("training", [True, False])
def test_equals_a_loop_over_nodes(encoder, each, training):
    expected = by_loop(encoder.train(training), each)
    torch.testing.assert_close(encoder.run(GraphStates.from_graphs(packed(each))), expected)


@pytest.mark.parametrize("training", [True, False])
def test_equals_pyg_with_the_same_weights(encoder, each, training):
    pyg = pytest.importorskip("torch_geometric", reason="compares with PyTorch Geometric")
    from torch_geometric.nn import GINConv, global_add_pool

    batch = pyg.data.Batch.from_data_list([pyg.data.Data(x=x, edge_index=ends) for x, ends in each])
    x, pooled, theirs = batch.x, [], deepcopy(encoder).train(training)
    for number in range(1, LAYERS + 1):
        layer = theirs.stages[f"layer{number}"]
        convolution = GINConv(layer.mlp).double()  # which draws weights anew
        convolution.eps.fill_(layer.epsilon.item())
        layer.mlp.load_state_dict(encoder.stages[f"layer{number}"].mlp.state_dict())
        x = layer.norm(convolution(x, batch.edge_index).relu())
        pooled.append(global_add_pool(x, batch.batch, size=len(each)))
    expected = torch.cat(pooled, 1)
    mine = encoder.train(training).run(GraphStates.from_graphs(packed(each)))
    torch.testing.assert_close(mine, expected)
    # So do gradients.
    mine.square().sum().backward()
    expected.square().sum().backward()
    for (name, a), b in zip(encoder.named_parameters(), theirs.parameters()):
        if not name.endswith("epsilon"):  # which GINConv was given as a number
            torch.testing.assert_close(a.grad, b.grad)
        assert a.grad is not None, name


def test_alone_as_in_a_batch(encoder, each):
    encoder.eval()
    together = encoder.run(GraphStates.from_graphs(packed(each)))
    for number, one in enumerate(each):
        torch.testing.assert_close(encoder.run(GraphStates.from_graphs(packed([one])))[0], together[number])
    assert not together[1].any()  # nothing is added up for a graph without nodes


def test_the_order_of_nodes_edges_and_graphs_says_nothing(encoder, each):
    encoder.eval()
    draw = torch.Generator().manual_seed(5)
    moved = []
    for x, ends in each:
        place = torch.randperm(len(x), generator=draw)
        shuffled = torch.randperm(ends.shape[1], generator=draw)
        moved.append((x[place.argsort()], place[ends][:, shuffled]))
    order = torch.randperm(len(each), generator=draw)
    one = encoder.run(GraphStates.from_graphs(packed(each)))
    other = encoder.run(GraphStates.from_graphs(packed([moved[n] for n in order.tolist()])))
    torch.testing.assert_close(other, one[order])


def test_stages_are_the_whole_and_each_pools(encoder, each):
    encoder.eval()
    state = GraphStates.from_graphs(packed(each))
    whole = encoder.run(state)
    assert encoder.width == whole.shape[1] == WIDTH * LAYERS
    for number, cut in enumerate(encoder.cuts[:LAYERS], start=1):
        there = encoder.run(state, stop=cut)
        assert torch.equal(there.values, whole[:, : number * WIDTH])
        assert torch.equal(encoder.run(there, start=cut), whole)


def test_a_node_alone_in_its_batch_can_be_trained_on():
    encoder = GIN(width=WIDTH, layers=2).build(Inputs((FEATURES,), kind="graphs")).train()
    x = torch.randn(1, FEATURES)
    one = Graphs(x, torch.zeros(2, 0, dtype=torch.long), torch.tensor([1, 0]), torch.tensor([0, 0]))
    before = [b.clone() for b in encoder.buffers()]
    z = encoder.run(GraphStates.from_graphs(one))
    assert z.isfinite().all()
    assert all(map(torch.equal, before, encoder.buffers()))
