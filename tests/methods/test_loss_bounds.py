"""Compare floor and chance level of each loss with the values that free unit vectors reach."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from contramix.encoders.encoder import Inputs
from contramix.encoders.mlp import MLP
from contramix.methods import METHODS, Method
from contramix.methods.byol import BYOL
from contramix.methods.loss_bounds import nce_bounds
from contramix.methods.method import Network
from contramix.methods.moco import MoCo
from contramix.methods.npair import NPair
from contramix.methods.simclr import SimCLR
from contramix.types import Targets, Views

CONTRASTIVE = [kind for kind, settings in METHODS.items() if settings().imix_unsupported_reason is None]
N, D = 5, 7


class UnitLength(Network):
    """In place of a network: the views are the projections."""

    def __init__(self):
        nn.Module.__init__(self)

    def forward(self, x, cut="input"):
        return normalize(x, dim=1)


def free(settings) -> Method:
    """A method whose queries and keys are what it is given, at unit length."""
    method = settings.build(MLP(depth=1, width=4).build(Inputs((3,)))).double()
    method.online = UnitLength()
    if hasattr(method, "momentum"):
        method.momentum.network = UnitLength()
    if hasattr(method, "predictor"):
        method.predictor = nn.Identity()
    return method


def vectors(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def minimised(loss, *start, steps=150):
    """The smallest value of a loss of free vectors that an optimiser finds from there."""
    variables = [x.clone().requires_grad_() for x in start]
    optimizer = torch.optim.LBFGS(variables, max_iter=steps, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        value = loss(*variables)
        value.backward()
        return value

    optimizer.step(closure)
    return loss(*variables).item()


def every_pair(own):
    """Soft labels of queries mixed of each two different rows with each of some weights, and their ingredients."""
    pairs = [(i, j, w) for i, j in itertools.permutations(range(N), 2) for w in own]
    index = torch.tensor([(i, j) for i, j, _ in pairs])
    weight = torch.tensor([(w, 1 - w) for *_, w in pairs], dtype=torch.float64)
    return Targets(index, weight)


@pytest.mark.parametrize("temperature", [0.2, 1.0])
def test_npair_floor_is_what_free_vectors_reach(temperature):
    method, plain = free(NPair(temperature=temperature)), Targets.identity(N)
    views = Views(vectors(N, D), vectors(N, D, seed=1), plain)
    floor, chance = method.bounds(views, N)
    reached = minimised(lambda q, k: method.loss(Views(q, k, plain)), views.query, views.key)
    assert floor == pytest.approx(math.log1p((N - 1) * math.exp(-N / ((N - 1) * temperature))), abs=1e-9)
    assert floor - 1e-9 <= reached < floor + 1e-4
    assert chance == pytest.approx(math.log(N))


@pytest.mark.parametrize("temperature", [0.1, 0.3, 1.0])
def test_imix_floor_is_what_free_vectors_reach_over_all_partners(temperature):
    method, targets = free(NPair(temperature=temperature, passes="two")), every_pair((0.9, 0.55))
    views = Views(vectors(len(targets.index), D), vectors(N, D, seed=1), targets)
    floor, _ = method.bounds(views, N)
    reached = minimised(lambda q, k: method.loss(Views(q, k, targets)), views.query, views.key)
    entropy = -(targets.weight * targets.weight.log()).sum(1).mean().item()
    assert entropy < floor
    assert floor - 2e-4 <= reached < floor + 2e-4


@pytest.mark.parametrize("mixed", [False, True])
def test_simclr_floor_is_what_free_vectors_reach(mixed):
    method = free(SimCLR(temperature=0.5, passes="two"))
    if mixed:
        pairs = every_pair((0.8,))
        # Ingredients in the first half, their counterparts in the second, and the other way round.
        targets = Targets(torch.cat([pairs.index + N, pairs.index]), torch.cat([pairs.weight, pairs.weight]))
    else:
        targets = Targets((torch.arange(2 * N)[:, None] + N) % (2 * N), torch.ones(2 * N, 1, dtype=torch.float64))
    start = (vectors(len(targets.index), D), vectors(2 * N, D, seed=1)) if mixed else (vectors(2 * N, D),)
    views = Views(start[0], start[-1], targets)
    floor, chance = method.bounds(views, N)

    def loss(*z):
        return method.loss(Views(z[0], z[-1], targets))

    reached = minimised(loss, *start)
    assert floor - 2e-4 <= reached < floor + 2e-4
    assert chance == pytest.approx(math.log(2 * N - 2 if mixed else 2 * N - 1))


def test_moco_meets_its_floor_where_batch_and_queue_are_one_simplex():
    for form, rows in (("revised", N + 6), ("original", 7)):
        method = free(MoCo(form=form, queue=6, temperature=0.3))
        simplex = normalize(torch.eye(N + 6, dtype=torch.float64) - 1 / (N + 6), dim=1)
        if form == "original":  # one key and the queue, for each query alike
            simplex = normalize(torch.eye(7, dtype=torch.float64) - 1 / 7, dim=1)
        method.queue = simplex[-6:]
        batch = simplex[:-6]
        views = Views(batch, batch, Targets.identity(len(batch)))
        floor, chance = method.bounds(views, len(batch))
        assert method.loss(views).item() == pytest.approx(floor, abs=1e-9)
        assert chance == pytest.approx(math.log(rows))


@pytest.mark.parametrize("kind", ["byol", "simsiam"])
def test_regression_floor_is_what_queries_reach_for_keys_as_they_are(kind):
    method, targets = free(METHODS[kind](symmetric=False)), every_pair((0.7,))
    keys = vectors(N, D, seed=1)
    views = Views(vectors(len(targets.index), D), keys, targets)
    method.passes = "two"
    floor, chance = method.bounds(views, N)
    reached = minimised(lambda q: method.loss(Views(q, keys, targets)), views.query)
    assert floor - 1e-9 <= reached < floor + 1e-6
    assert floor > 0.1
    assert chance == 2
    assert method.bounds(Views(keys, keys, Targets.identity(N)), N).floor == pytest.approx(0)
    one = torch.ones(N, D, dtype=torch.float64)
    assert method.bounds(Views(one, one, targets), N).floor == pytest.approx(0), "collapse reaches 0 with any labels"


@pytest.mark.parametrize("kind", CONTRASTIVE)
def test_random_vectors_of_many_dimensions_are_at_chance_and_none_lies_below_the_floor(kind):
    method = free(METHODS[kind]())
    method.passes = "two"
    if kind == "moco":
        method.queue = normalize(vectors(20, 5000, seed=3), dim=1)
    first, second = vectors(16, 5000), vectors(16, 5000, seed=1)
    targets = Targets.identity(16)
    if method.all_views_are_keys:
        first = second = torch.cat([first, second])
        targets = Targets((torch.arange(32)[:, None] + 16) % 32, torch.ones(32, 1, dtype=torch.float64))
    views = Views(first, second, Targets(targets.index, targets.weight.double()))
    floor, chance = method.bounds(views, 16)
    assert method.loss(views).item() == pytest.approx(chance, abs=0.03)
    if kind not in ("byol", "simsiam"):  # theirs is of the keys at hand
        for seed in range(5):
            z = vectors(*first.shape, seed=seed)[:, :40]
            if kind == "moco":
                method.queue = normalize(vectors(20, 40, seed=seed + 9), dim=1)
            assert method.loss(Views(z, z, views.targets)).item() > floor


def test_a_row_mixed_with_itself_has_a_plain_label():
    mixed = Targets(torch.tensor([[0, 0], [1, 1]]), torch.tensor([[0.7, 0.3], [0.5, 0.5]]))
    for copies in (1, 2):
        want = nce_bounds(Targets.identity(2), 0.5, 6, copies)
        assert nce_bounds(mixed, 0.5, 6, copies) == pytest.approx(want, abs=1e-6)


def test_bounds_stay_numbers_at_the_edges():
    everything = Targets(torch.tensor([[0, 1], [1, 0]]), torch.tensor([[0.5, 0.5], [1.0, 0.0]]))
    several = Targets(torch.tensor([[0, 1, 2, 3, 4]]), torch.full((1, 5), 0.2))
    for temperature in (1e-3, 0.05, 1.0, 50.0):
        for targets, rows in ((everything, 2), (everything, 3), (several, 5), (several, 4096)):
            floor, chance = nce_bounds(targets, temperature, rows)
            assert 0 <= floor <= chance + 1e-9


def test_byol_floor_rises_as_keys_part():
    method = free(BYOL())
    targets = Targets(torch.tensor([[0, 1]]), torch.tensor([[0.5, 0.5]], dtype=torch.float64))
    floors = []
    for angle in (0.0, 0.5, 1.0, 1.5):
        keys = torch.tensor([[1.0, 0.0], [math.cos(angle), math.sin(angle)]], dtype=torch.float64)
        floors.append(method.bounds(Views(keys, keys, targets), 2).floor)
        assert floors[-1] == pytest.approx(2 - 2 * math.cos(angle / 2))
    assert floors == sorted(floors)
