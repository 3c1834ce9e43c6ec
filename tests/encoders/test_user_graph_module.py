"""Test users' modules on graphs: those of PyTorch Geometric, and errors for those that do not fit."""

import pytest
import torch
from torch import nn

from contramix.encoders.encoder import Encoder, Inputs
from contramix.encoders.user_module import wrap
from contramix.errors import InputError
from contramix.samples.graph_states import GraphStates
from contramix.samples.graphs import Graphs

FEATURES = 3
INPUTS = Inputs((FEATURES,), kind="graphs")


@pytest.fixture
def graphs() -> Graphs:
    """Three graphs, the last without nodes."""
    edges = torch.tensor([[0, 1, 1, 2, 4, 4], [1, 0, 2, 1, 3, 4]])
    x = torch.randn(5, FEATURES, generator=torch.Generator().manual_seed(0))
    return Graphs(x, edges, torch.tensor([3, 2, 0]), torch.tensor([4, 2, 0]))


@pytest.fixture
def gnn():
    return pytest.importorskip("torch_geometric.nn", reason="wraps PyTorch Geometric's modules")


def run(encoder: Encoder, graphs: Graphs) -> torch.Tensor:
    return encoder.eval().run(GraphStates.from_graphs(graphs))


@pytest.mark.parametrize("name", ["GIN", "GCN", "GraphSAGE", "GAT"])
def test_basic_models_of_pyg_give_nodes_which_are_added_up(gnn, graphs, name):
    module = getattr(gnn, name)(FEATURES, 8, 2, norm="batch_norm").eval()
    encoder = wrap(module, INPUTS)
    assert (encoder.width, encoder.cuts, encoder.auto) == (8, ("output",), "output")
    expected = gnn.global_add_pool(module(graphs.x, graphs.edges), graphs.graph, size=3)
    torch.testing.assert_close(run(encoder, graphs), expected)
    assert run(encoder, graphs).shape == (3, 8)


def test_one_layer_and_a_sequential_of_layers(gnn, graphs):
    mlp = nn.Linear(FEATURES, 4)
    layer = wrap(gnn.GINConv(mlp), INPUTS)  # its own argument called size is another thing, and is not given
    each = [(gnn.GINConv(mlp), "x, edge_index -> x"), nn.Sigmoid()]
    nodes = wrap(gnn.Sequential("x, edge_index", each), INPUTS)
    pooled = wrap(gnn.Sequential("x, edge_index, batch", [*each, (gnn.global_add_pool, "x, batch -> x")]), INPUTS)
    expected = graphs.sum_nodes(gnn.GINConv(mlp)(graphs.x, graphs.edges))
    torch.testing.assert_close(run(layer, graphs), expected)
    torch.testing.assert_close(run(nodes, graphs[0:2]), run(pooled, graphs[0:2]))
    # PyG's pooling does not know of empty graphs at the end unless it is told, and every later row would be off.
    with pytest.raises(InputError, match=r"for 3 graphs.* the encoder returns 2 vectors.*batch_size"):
        run(pooled, graphs)


class ByName(nn.Module):
    """A vector a graph, and knows how many there are."""

    def __init__(self, gnn, how_many: str):
        super().__init__()
        self.layer, self.pool = gnn.GCNConv(FEATURES, 5), gnn.global_mean_pool
        call = f"def forward(x, edge_index, batch, {how_many}): return mine(x, edge_index, batch, {how_many})"
        found: dict = {"mine": lambda x, e, b, n: self.pool(self.layer(x, e), b, size=n)}
        exec(call, found)
        self.forward = found["forward"]


@pytest.mark.parametrize("how_many", ["batch_size", "size", "num_graphs"])
def test_the_number_of_graphs_is_told_by_any_of_its_names(gnn, graphs, how_many):
    encoder = wrap(ByName(gnn, how_many), INPUTS)
    assert run(encoder, graphs).shape == (3, 5)
    assert not run(encoder, graphs)[2].any()


class OfData(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(FEATURES, 4)

    def forward(self, data):
        assert data.num_nodes == len(data.x) == len(data.batch)
        assert data.edge_index.shape[0] == 2
        out = torch.zeros(data.num_graphs, 4)
        for node, number in enumerate(data.batch.tolist()):
            out[number] += self.linear(data.x[node])
        return out


def test_one_argument_data(graphs):
    module = OfData()
    torch.testing.assert_close(run(wrap(module, INPUTS), graphs), graphs.sum_nodes(module.linear(graphs.x)))


class Given(nn.Module):
    def __init__(self, out):
        super().__init__()
        self.out, self.weight = out, nn.Parameter(torch.ones(()))

    def forward(self, x, edge_index, batch=None):
        return self.out(x)


class WithWeights(nn.Module):
    def forward(self, x, edge_index, edge_weight):
        return x


class OfHetero(nn.Module):
    def forward(self, data):
        return data.x_dict["paper"]


WRONG = {
    "a layer of no graphs": (nn.Linear(FEATURES, 2), "takes input; for graphs it can take x, edge_index"),
    "layers of no graphs": (nn.Sequential(nn.Linear(FEATURES, 2), nn.ReLU()), "for graphs it can take x"),
    "asks for more": (WithWeights(), "takes x, edge_index, edge_weight; for graphs"),
    "asks data for more": (OfHetero(), "nodes have 3 features: 'Data' object has no attribute 'x_dict'"),
    "another width": (Given(nn.Linear(7, 2)), "nodes have 3 features: mat1"),
    "a number a node": (Given(lambda x: x[:, 0]), r"for 2 graphs with 5 nodes it returns \(5,\)"),
    "one vector for all": (Given(lambda x: x.sum(0, keepdim=True)), r"it returns \(1, 3\)"),
    "a tuple": (Given(lambda x: (x, x)), "it returns tuple"),
}


@pytest.mark.parametrize(("module", "said"), WRONG.values(), ids=WRONG)
def test_what_does_not_fit_is_told_in_one_line(module, said):
    with pytest.raises(InputError, match=said) as error:
        wrap(module, INPUTS)
    assert "\n" not in str(error.value)


def test_the_module_s_mode_is_left_as_it_was():
    norm = nn.BatchNorm1d(FEATURES)
    for training in (True, False):
        module = Given(norm).train(training)
        before = norm.running_mean.clone()
        wrap(module, INPUTS)
        assert module.training is norm.training is training
        assert torch.equal(norm.running_mean, before)
