"""Compare InfoGraph with double loops over nodes and graphs."""

import math

import pytest
import torch
from torch import nn

from contramix.domains.graph.spec import GraphFrontend
from contramix.encoders.encoder import Encoder, Inputs
from contramix.encoders.gin import GIN
from contramix.errors import InputError
from contramix.methods.infograph import InfoGraph, jensen_shannon
from contramix.methods.simclr import SimCLR
from contramix.mixing.imix import IMix
from contramix.noise.drop import Drop
from contramix.noise.mixup import MixupNoise
from contramix.noise.none import NoNoise
from contramix.runtime.randomness import Key
from contramix.samples.graph_states import GraphStates
from contramix.samples.graphs import Graphs
from contramix.training.objective import ExtraSettings, Objective, TermSettings
from contramix.types import Targets, Views


def softplus(x: float) -> float:
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


def by_loops(score, graph) -> float:
    """Equation 4 of InfoGraph: the mean over negative pairs less the mean over positive ones."""
    positive, negative = [], []
    for node, own in enumerate(graph.tolist()):
        for number in range(score.shape[1]):
            t = float(score[node, number])
            if number == own:
                positive.append(math.log(2) - softplus(-t))
            else:
                negative.append(softplus(-t) + t - math.log(2))
    return sum(negative) / len(negative) - sum(positive) / len(positive)


GRAPH = torch.tensor([0, 0, 0, 1, 3, 3])
"""Graphs of 3, 1, 0 and 2 nodes."""


@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0])
def test_the_estimator_equals_double_loops(scale):
    score = scale * torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert float(jensen_shannon(score, GRAPH)) == pytest.approx(by_loops(score, GRAPH), abs=1e-12)
    score.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: jensen_shannon(s, GRAPH), (score / scale,))


def test_its_bounds():
    """Scores that say nothing give 0; those that say all give -2 log 2, and none gives less."""
    own = torch.nn.functional.one_hot(GRAPH, 4).double()
    assert float(jensen_shannon(torch.zeros(6, 4), GRAPH)) == pytest.approx(0, abs=1e-6)
    assert float(jensen_shannon(200 * own - 100, GRAPH)) == pytest.approx(-2 * math.log(2))
    assert float(jensen_shannon(100 - 200 * own, GRAPH)) == pytest.approx(200 - 2 * math.log(2))
    for seed in range(20):
        score = 10 * torch.randn(6, 4, generator=torch.Generator().manual_seed(seed))
        assert float(jensen_shannon(score, GRAPH)) > -2 * math.log(2)


def test_large_scores_of_positives_do_not_drown_those_of_negatives():
    own = torch.nn.functional.one_hot(GRAPH, 4).float()
    expected = softplus(-5.0) - 2 * math.log(2)
    assert float(jensen_shannon(1e6 * own - 5 * (1 - own), GRAPH)) == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def graphs() -> Graphs:
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    edges = torch.tensor([[0, 1, 1, 2, 4, 5], [1, 0, 2, 1, 5, 4]])
    return Graphs(x, edges, torch.tensor([3, 1, 0, 2]), torch.tensor([4, 0, 0, 2]))


def gin(layers: int = 2) -> Encoder:
    inputs = Inputs((3,), kind="graphs")
    return GIN(width=4, layers=layers).build(inputs).with_front(GraphFrontend(), inputs)


def test_the_loss_compares_each_node_with_each_graph(graphs):
    method = InfoGraph().build(gin()).double()
    state = GraphStates.from_graphs(Graphs(graphs.x.double(), *graphs.tensors()[1:]))
    views = Views(state, state, Targets.identity(4), "input")
    behind = method.online.encoder.run(state, stop="layer2")
    nodes = torch.cat(behind.layers, 1)
    score = torch.empty(6, 4, dtype=torch.float64)
    for node in range(6):
        for number in range(4):
            local = method.local(nodes[node : node + 1])[0].tolist()
            whole = method.online.projector(behind.values[number : number + 1])[0].tolist()
            score[node, number] = sum(a * b for a, b in zip(local, whole))
    assert method.loss(views).item() == pytest.approx(by_loops(score, GRAPH))
    assert math.isnan(method.bounds(views, 4).floor)


def test_gradients_reach_encoder_and_both_heads(graphs):
    method = InfoGraph().build(gin())
    state = GraphStates.from_graphs(graphs)
    method.loss(Views(state, state, Targets.identity(4), "input")).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())
    assert all(any(p.grad.any() for p in part.parameters()) for part in (method.online, method.local))


def test_as_a_term_beside_dacl(graphs):
    dacl = ExtraSettings(method=SimCLR(), noise=MixupNoise(operators=("linear",), alpha=0.9, cut="output"))
    objective = Objective(gin(), TermSettings(method=InfoGraph(), noise=NoNoise(cut="input")), [dacl])
    both = objective(graphs, Key(0))
    state = GraphStates.from_graphs(graphs)
    mine = objective.terms[0].method.loss(Views(state, state, Targets.identity(4), "input"))
    theirs = objective.terms[1](graphs, Key(0).at(1))
    torch.testing.assert_close(both, mine + theirs)
    both.backward()
    assert all(p.grad is not None for p in objective.parameters())


def test_what_does_not_go_together(graphs):
    with pytest.raises(InputError, match="encoder 'gin'"):
        InfoGraph().build(Encoder({"linear": nn.Linear(3, 4)}, 4))
    with pytest.raises(InputError, match="no virtual labels to mix; leave imix out"):
        Objective(gin(), TermSettings(method=InfoGraph(), noise=NoNoise(cut="input"), imix=IMix()))
    for late in ("output", "readout", "auto"):
        message = r"do not exist any more at .*: set noise\.cut to 'input', or to a cut up to 'layer2'"
        with pytest.raises(InputError, match=message):
            Objective(gin(), TermSettings(method=InfoGraph(), noise=NoNoise(cut=late)))
    dropped = Objective(gin(), TermSettings(method=InfoGraph(), noise=Drop(cut="layer2")))
    assert dropped(graphs, Key(0)).isfinite()
