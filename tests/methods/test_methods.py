"""Compare each method's loss with a loop over the networks' outputs, and test which weights are shared and learned."""

from collections import deque

import pytest
import torch
from torch import nn

from contramix.encoders.encoder import Inputs
from contramix.encoders.mlp import MLP
from contramix.encoders.user_module import wrap
from contramix.methods import METHODS
from contramix.methods.byol import BYOL
from contramix.methods.heads import HEADS, Head, Predictor
from contramix.methods.moco import MoCo
from contramix.methods.npair import NPair
from contramix.methods.simclr import SimCLR
from contramix.methods.simsiam import SimSiam
from contramix.training.optimizers import OptimizerSettings
from contramix.types import Targets, Views

CONTRASTIVE = [kind for kind, settings in METHODS.items() if settings().imix_unsupported_reason is None]
N, D = 7, 6
HEAD = Head(kind="mlpbn", hidden=8, out=5)
PREDICTOR = Predictor(kind="mlpbn1", hidden=9)
SMALL = {
    "npair": NPair(projector=HEAD, temperature=0.3),
    "simclr": SimCLR(projector=HEAD, temperature=0.4),
    "moco": MoCo(projector=HEAD, queue=11, temperature=0.3),
    "byol": BYOL(projector=HEAD, predictor=PREDICTOR),
    "simsiam": SimSiam(projector=HEAD, predictor=PREDICTOR),
}
partnered = pytest.mark.parametrize("partners", [0, 1, 2, 4])


def build(settings, double=True):
    torch.manual_seed(0)
    method = settings.build(MLP(depth=2, width=8).build(Inputs((D,)))).train()
    # The momentum network shall not be the online one, or a mistake of the two would go unnoticed.
    if hasattr(method, "momentum"):
        for p in method.target.parameters():
            p.add_(torch.randn(p.shape) * 0.3)
    return method.double() if double else method


def batch(n=N, seed=0):
    return torch.randn(n, D, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def labels(n, partners, seed=0):
    g = torch.Generator().manual_seed(seed)
    own = torch.arange(n)[:, None]
    partner = torch.stack([torch.randperm(n, generator=g) for _ in range(partners)], 1) if partners else own[:, :0]
    weight = torch.rand(n, partners + 1, generator=g, dtype=torch.float64) + 0.1
    return Targets(torch.cat([own, partner], 1), weight / weight.sum(1, keepdim=True))


def length_one(z):
    return z / z.pow(2).sum(1, keepdim=True).sqrt()


def out(network, x):
    """The network by hand: stages, projector, unit length."""
    for stage in network.encoder.stages.values():
        x = stage(x)
    return length_one(network.projector(x))


@partnered
@pytest.mark.parametrize("passes", ["one", "two"])
def test_npair_is_the_loop(partners, passes, loops):
    method = build(SMALL["npair"].model_copy(update={"passes": passes}))
    a, b, t = batch(seed=1), batch(seed=2), labels(N, partners)
    if passes == "one":
        query, key = out(method.online, torch.cat([a, b])).split(N)
    else:
        query, key = out(method.online, a), out(method.online, b)
    want = loops.info_nce(query, key, t.index, t.weight, 0.3)
    assert method.loss(Views(a, b, t)).item() == pytest.approx(want, abs=1e-10)


def test_npair_learns_through_both_views():
    method = build(SMALL["npair"])
    a, b = batch(seed=1).requires_grad_(), batch(seed=2).requires_grad_()
    method.loss(Views(a, b, labels(N, 1))).backward()
    assert a.grad.abs().sum() > 0.01
    assert b.grad.abs().sum() > 0.01


@pytest.mark.parametrize("partners", [1, 2, 4])
def test_simclr_of_mixed_queries_leaves_out_the_clean_copies_of_all_ingredients(partners, loops):
    method = build(SMALL["simclr"])
    mixed, clean = batch(2 * N, seed=1), batch(2 * N, seed=2)
    first, second = labels(N, partners, 1), labels(N, partners, 2)
    # Ingredients of query i lie in its own half; the keys it should match are their counterparts.
    ingredients = torch.cat([first.index, second.index + N])
    t = Targets(torch.cat([first.index + N, second.index]), torch.cat([first.weight, second.weight]))
    query, key = out(method.online, torch.cat([mixed, clean])).split(2 * N)
    want = loops.info_nce(query, key, t.index, t.weight, 0.4, exclude=ingredients)
    masked_own = loops.info_nce(query, key, t.index, t.weight, 0.4, exclude=ingredients[:, :1])
    assert abs(want - masked_own) > 1e-3
    assert method.loss(Views(mixed, clean, t)).item() == pytest.approx(want, abs=1e-10)


def test_simclr_without_imix_is_nt_xent(loops):
    method = build(SMALL["simclr"])
    both = batch(2 * N, seed=1)
    z = out(method.online, both).tolist()
    counterpart = [(i + N) % (2 * N) for i in range(2 * N)]
    index = torch.tensor(counterpart)[:, None]
    want = loops.info_nce(
        torch.tensor(z), torch.tensor(z), index, torch.ones(2 * N, 1), 0.4, exclude=torch.arange(2 * N)[:, None]
    )
    t = Targets(index, torch.ones(2 * N, 1).double())
    assert method.loss(Views(both, both, t)).item() == pytest.approx(want, abs=1e-6)


def test_simclr_ingredient_of_weight_nought_stays_a_negative(loops):
    method = build(SMALL["simclr"])
    mixed, clean = batch(2 * N, seed=1), batch(2 * N, seed=2)
    own = torch.arange(2 * N)
    other = torch.cat([torch.arange(N).roll(1), torch.arange(N, 2 * N).roll(1)])
    index = (torch.stack([own, other], 1) + N) % (2 * N)
    weight = torch.tensor([[1.0, 0.0]] * (2 * N)).double()
    query, key = out(method.online, torch.cat([mixed, clean])).split(2 * N)
    want = loops.info_nce(query, key, index, weight, 0.4, exclude=own[:, None])
    assert method.loss(Views(mixed, clean, Targets(index, weight))).item() == pytest.approx(want, abs=1e-10)


@partnered
def test_revised_moco_is_the_loop_over_batch_keys_and_queue(partners, loops):
    method = build(SMALL["moco"])
    a, b, t = batch(seed=1), batch(seed=2), labels(N, partners)
    query, key = out(method.online, a), out(method.target, b)
    want = loops.info_nce(query, key, t.index, t.weight, 0.3, queue=method.queue)
    assert method.loss(Views(a, b, t)).item() == pytest.approx(want, abs=1e-10)


def test_original_moco_is_the_loop_over_own_key_and_queue(loops):
    method = build(SMALL["moco"].model_copy(update={"form": "original"}))
    a, b = batch(seed=1), batch(seed=2)
    query, key = out(method.online, a), out(method.target, b)
    want = sum(
        loops.info_nce(query[i : i + 1], key[i : i + 1], torch.zeros(1, 1).long(), torch.ones(1, 1), 0.3, method.queue)
        for i in range(N)
    )
    assert method.loss(Views(a, b, labels(N, 0))).item() == pytest.approx(want / N, abs=1e-10)
    assert "method.form = 'revised'" in MoCo(form="original").imix_unsupported_reason
    assert MoCo().imix_unsupported_reason is None


@partnered
def test_byol_is_the_loop_with_a_mixed_target_that_is_not_normalised_again(partners, loops):
    method = build(SMALL["byol"])
    a, b, t = batch(seed=1), batch(seed=2), labels(N, partners)
    query = length_one(method.predictor(out(method.online, a)))
    key = out(method.target, b)
    want = loops.regression(query, key, t.index, t.weight)
    assert method.loss(Views(a, b, t)).item() == pytest.approx(want, abs=1e-10)


@partnered
def test_simsiam_is_the_loop_and_stops_the_keys_gradient(partners, loops):
    method = build(SMALL["simsiam"].model_copy(update={"passes": "two"}))
    a, b, t = batch(seed=1).requires_grad_(), batch(seed=2).requires_grad_(), labels(N, partners)
    query = length_one(method.predictor(out(method.online, a)))
    key = out(method.online, b)
    want = loops.regression(query, key, t.index, t.weight)
    loss = method.loss(Views(a, b, t))
    assert loss.item() == pytest.approx(want, abs=1e-10)
    loss.backward()
    assert b.grad is None or not b.grad.any()
    assert a.grad.any()


@pytest.mark.parametrize("sizes", [[4, 4, 4], [3, 5, 2, 7], [11, 2], [20], [5, 30, 4], [22, 3]])
def test_the_queue_is_a_ring_at_any_batch_size(sizes):
    """Against a Python ring of 11: oldest out first, also for batches larger than it."""
    method = build(SMALL["moco"])
    ring = deque((tuple(row) for row in method.queue.tolist()), maxlen=11)
    for turn, n in enumerate(sizes):
        b = batch(n, seed=turn)
        with torch.no_grad():
            key = out(method.target, b)
        before = method.queue.clone()
        method.loss(Views(batch(n, seed=50 + turn), b, labels(n, 0)))
        assert torch.equal(method.queue, before)  # keys of this step are no negatives of themselves
        method.after_step()
        ring.extend(tuple(row) for row in key.tolist())
        oldest_first = method.queue.roll(-int(method.position), 0)
        torch.testing.assert_close(oldest_first, torch.tensor(list(ring), dtype=torch.float64), atol=1e-12, rtol=0)


def test_the_queue_begins_with_unit_vectors_and_is_no_parameter():
    method = build(SMALL["moco"])
    torch.testing.assert_close(method.queue.norm(dim=1), torch.ones(11).double())
    assert "queue" in method.state_dict()
    assert "position" in method.state_dict()
    assert all(p is not method.queue for p in method.parameters())


@pytest.mark.parametrize("kind", ["moco", "byol"])
def test_momentum_moves_exactly(kind):
    method = build(SMALL[kind].model_copy(update={"momentum": 0.9}))
    before = [p.clone() for p in method.target.parameters()]
    online = [p.clone() for p in method.online.parameters()]
    method.loss(Views(batch(seed=1), batch(seed=2), labels(N, 1)))
    method.after_step()
    moved = 0.0
    for old, source, now, source_now in zip(
        before, online, method.target.parameters(), method.online.parameters(), strict=True
    ):
        torch.testing.assert_close(now, 0.9 * old + 0.1 * source, rtol=1e-12, atol=1e-12)
        assert torch.equal(source, source_now)
        moved += (now - old).abs().sum().item()
    assert moved > 0.1


@pytest.mark.parametrize("kind", ["moco", "byol"])
def test_the_momentum_network_gets_no_gradient_and_no_optimiser(kind):
    method = build(SMALL[kind])
    a, b = batch(seed=1).requires_grad_(), batch(seed=2).requires_grad_()
    method.loss(Views(a, b, labels(N, 1))).backward()
    assert a.grad.any()
    assert b.grad is None
    target = {id(p) for p in method.target.parameters()}
    assert target.isdisjoint(id(p) for p in method.online.parameters())
    assert all(p.grad is None and not p.requires_grad for p in method.target.parameters())
    optimizer = OptimizerSettings().build(method.parameters())
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held.isdisjoint(target)
    assert held == {id(p) for p in method.parameters()} - target


def norms(network):
    return [m for m in network.modules() if isinstance(m, nn.BatchNorm1d)]


@pytest.mark.parametrize("kind", ["moco", "byol"])
@pytest.mark.parametrize("buffers", ["own", "copy"])
def test_batchnorm_buffers_of_the_momentum_network_are_its_own_or_copies(kind, buffers):
    method = build(SMALL[kind].model_copy(update={"buffers": buffers}))
    a, b = batch(seed=1) + 3, batch(seed=2) - 3
    method.loss(Views(a, b, labels(N, 0)))
    own = [norm.running_mean.clone() for norm in norms(method.target)]
    method.after_step()
    for mine, kept, theirs in zip(norms(method.target), own, norms(method.online)):
        want = kept if buffers == "own" else theirs.running_mean
        assert torch.equal(mine.running_mean, want)
        assert not torch.equal(kept, theirs.running_mean)


@pytest.mark.parametrize("passes", ["one", "two"])
def test_one_pass_shares_batchnorm_statistics_and_two_do_not(passes):
    method = build(SMALL["npair"].model_copy(update={"passes": passes}))
    a, b = batch(seed=1), batch(seed=2) * 2 + 3
    linear, norm = method.online.encoder.stages["layer1"][:2]
    with torch.no_grad():
        means = [linear(x).mean(0) for x in (a, b, torch.cat([a, b]))]
    method.loss(Views(a, b, labels(N, 0)))
    if passes == "one":
        want, count = 0.1 * means[2], 1
    else:
        want, count = 0.9 * 0.1 * means[0] + 0.1 * means[1], 2
    torch.testing.assert_close(norm.running_mean, want)
    assert int(norm.num_batches_tracked) == count


def test_simclr_encodes_unmixed_views_once():
    method = build(SMALL["simclr"])
    both = batch(2 * N)
    index = ((torch.arange(2 * N) + N) % (2 * N))[:, None]
    method.loss(Views(both, both, Targets(index, torch.ones(2 * N, 1).double())))
    assert int(norms(method.online)[0].num_batches_tracked) == 1


@pytest.mark.parametrize("kind", CONTRASTIVE)
def test_every_method_gives_unit_vectors_and_projector_and_encoder_learn(kind):
    method = build(METHODS[kind](projector=HEAD))
    z = method.online(batch())
    torch.testing.assert_close(z.norm(dim=1), torch.ones(N).double())
    n = 2 * N if method.all_views_are_keys else N
    index = ((torch.arange(n) + N) % n if method.all_views_are_keys else torch.arange(n))[:, None]
    method.loss(Views(batch(n, 1), batch(n, 2), Targets(index, torch.ones(n, 1).double()))).backward()
    for part in (method.online.encoder, method.online.projector):
        assert any(p.grad is not None and p.grad.abs().max() > 1e-8 for p in part.parameters())


@pytest.mark.parametrize("kind", ["byol", "simsiam"])
def test_the_predictor_learns_and_sits_on_queries_only(kind):
    method = build(SMALL[kind])
    seen = []
    method.predictor.register_forward_hook(lambda m, args, result: seen.append(len(args[0])))
    method.loss(Views(batch(seed=1), batch(seed=2), labels(N, 1))).backward()
    assert seen == [N]
    assert all(p.grad is not None for p in method.predictor.parameters())


@pytest.mark.parametrize(
    ("kind", "layers"),
    {
        "linear": ["Linear 8 3"],
        "mlp": ["Linear 8 4", "ReLU", "Linear 4 3"],
        "mlpbn1": ["Linear 8 4", "BatchNorm1d", "ReLU", "Linear 4 3"],
        "mlpbn": ["Linear 8 4", "BatchNorm1d", "ReLU", "Linear 4 3", "BatchNorm1d"],
        "mlp3bn": [
            *("Linear 8 4", "BatchNorm1d", "ReLU", "Linear 4 4", "BatchNorm1d", "ReLU", "Linear 4 3"),
        ],
    }.items(),
)
def test_heads_are_as_published(kind, layers):
    made = [
        f"Linear {m.in_features} {m.out_features}" if isinstance(m, nn.Linear) else type(m).__name__
        for m in Head(kind=kind, hidden=4, out=3).build(8)
    ]
    assert made == layers
    assert kind in HEADS


def test_heads_take_the_encoders_width_and_gives_128_by_default():
    first, *_, last = [m for m in Head().build(20) if isinstance(m, nn.Linear)]
    assert (first.in_features, first.out_features, last.out_features) == (20, 20, 128)
    first, *_, last = [m for m in Predictor().build(16, 20) if isinstance(m, nn.Linear)]
    assert (first.in_features, first.out_features, last.out_features) == (16, 20, 16)


def test_a_method_goes_around_a_module_of_the_users():
    torch.manual_seed(0)
    encoder = wrap(nn.Sequential(nn.Linear(D, 4), nn.Tanh()), Inputs((D,)))
    method = NPair(projector=Head(kind="linear", out=3)).build(encoder).double()
    assert method.loss(Views(batch(), batch(), labels(N, 1))).isfinite()
