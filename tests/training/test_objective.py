"""Test the objective: two views, mixed where the settings say, for every method, and the sum of its terms."""

from copy import deepcopy
from typing import ClassVar

import pytest
import torch

from contramix.encoders import ENCODERS
from contramix.encoders.encoder import Inputs
from contramix.encoders.frontend import AsStored
from contramix.encoders.imix_mlp import IMixMLP
from contramix.encoders.mlp import MLP
from contramix.errors import InputError
from contramix.methods import METHODS
from contramix.methods.byol import BYOL
from contramix.methods.heads import Head, Predictor
from contramix.methods.moco import MoCo
from contramix.methods.npair import NPair
from contramix.methods.simclr import SimCLR
from contramix.mixing import OPERATORS, weights
from contramix.mixing.binary import Binary
from contramix.mixing.geometric import Geometric
from contramix.mixing.imix import IMix
from contramix.mixing.linear import Linear
from contramix.noise.drop import Drop
from contramix.noise.gaussian import Gaussian
from contramix.noise.marginal import Marginal
from contramix.noise.mixup import MixupNoise
from contramix.noise.noise import Noise
from contramix.noise.none import NoNoise
from contramix.runtime.randomness import Key
from contramix.training.objective import ExtraSettings, Objective, TermSettings
from contramix.types import Targets, Views

N, D = 8, 6
HEAD = Head(kind="mlpbn", hidden=8, out=5)
CUTS = ("input", "layer1", "layer2", "output")
KEY = Key(0).at("step", 3)
CONTRASTIVE = [kind for kind, settings in METHODS.items() if settings().imix_unsupported_reason is None]


def settings_of(kind, **changes):
    made = METHODS[kind](projector=HEAD)
    if "queue" in type(made).model_fields:
        changes = {"queue": 11, **changes}
    return made.model_copy(update=changes)


def encoder():
    torch.manual_seed(0)
    return MLP(depth=2, width=8).build(Inputs((D,)))


def objective(term, extra=(), **known):
    torch.manual_seed(1)
    made = Objective(encoder(), term, extra, **known).double().train()
    for method in made.methods:
        if hasattr(method, "momentum"):
            for p in method.target.parameters():
                p.add_(torch.randn(p.shape) * 0.3)
    return made


def data(n=N):
    return torch.randn(n, D, dtype=torch.float64, generator=torch.Generator().manual_seed(9))


def gradients(made):
    return {name: p.grad for name, p in made.named_parameters() if p.grad is not None}


def weight_one(n, partners, alpha, fold, generator):
    return torch.tensor([[1.0] + [0.0] * partners] * n)


@pytest.mark.parametrize("kind", CONTRASTIVE)
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("symmetric", [False, True])
def test_imix_of_weight_one_is_the_plain_method_in_loss_and_gradient(kind, cut, symmetric, monkeypatch):
    monkeypatch.setattr(weights, "dirichlet", weight_one)
    method = settings_of(kind, symmetric=symmetric)
    plain = objective(TermSettings(method=method))
    mixed = objective(TermSettings(method=method, imix=IMix(cut=(cut,), partners=2)))
    losses = [made(data(), KEY) for made in (plain, mixed)]
    for loss in losses:
        loss.backward()
    assert losses[1].item() == pytest.approx(losses[0].item(), abs=1e-10)
    wanted, found = gradients(plain), gradients(mixed)
    assert wanted.keys() == found.keys()
    assert len(wanted) > 8
    for name, want in wanted.items():
        torch.testing.assert_close(found[name], want, rtol=1e-8, atol=1e-10, msg=name)


@pytest.mark.parametrize("operator", OPERATORS)
def test_weight_one_is_plain_for_every_operator(operator, monkeypatch):
    monkeypatch.setattr(weights, "dirichlet", weight_one)
    made = OPERATORS[operator]()
    made = made.model_copy(update={"mode": "minmax"}) if operator == "geometric" else made
    plain = objective(TermSettings(method=settings_of("npair")))
    mixed = objective(TermSettings(method=settings_of("npair"), imix=IMix(operator=made)))
    assert mixed(data(), KEY).item() == pytest.approx(plain(data(), KEY).item(), abs=1e-10)


@pytest.mark.parametrize("kind", CONTRASTIVE)
def test_imix_changes_the_loss(kind):
    plain = objective(TermSettings(method=settings_of(kind)))
    mixed = objective(TermSettings(method=settings_of(kind), imix=IMix()))
    assert abs(plain(data(), KEY).item() - mixed(data(), KEY).item()) > 1e-3


class Two(Noise):
    """Views that can be told: the sample, and the sample turned round and moved."""

    def __call__(self, x, *, generator, layout=None, pool=None):
        return x, x.flip(1) + 0.5


class MixSpy(IMix):
    """Notes what it was given and what it made."""

    seen: ClassVar[list] = []

    def __call__(self, x, *, generator, layout=None):
        mixed = super().__call__(x, generator=generator, layout=layout)
        self.seen.append((x, layout, mixed))
        return mixed


@pytest.fixture
def seen():
    MixSpy.seen.clear()
    return MixSpy.seen


def views_at(made, x, cut):
    """Both views of Two at a cut, as one pass of the online encoder gives them."""
    both = torch.cat([x, x.flip(1) + 0.5])
    for stage in list(made.encoder.stages.values())[: CUTS.index(cut)]:
        both = stage(both)
    return both.chunk(2)


@pytest.mark.parametrize("cut", CUTS)
def test_npair_with_imix_is_the_loop_from_the_cut_on(cut, seen, loops):
    """Queries are mixed where the cut says, keys are clean, labels are those of the mixture."""
    cut_at = "output" if cut == "layer2" else cut  # behind the last stage is the output
    made = objective(TermSettings(method=settings_of("npair", temperature=0.3), noise=Two(), imix=MixSpy(cut=(cut,))))
    loss = made(data(), KEY)
    ((x, layout, mixed),) = seen
    query, clean = views_at(made, data(), cut)
    torch.testing.assert_close(x, query)
    assert layout is None
    w, j = mixed.weight.double(), mixed.partner[:, 0]
    by_hand = w[:, :1] * query + w[:, 1:] * query[j]
    z = torch.cat([by_hand, clean])
    for stage in list(made.encoder.stages.values())[CUTS.index(cut) :] if cut_at != "output" else []:
        z = stage(z)
    z = made.methods[0].online.projector(z)
    z = z / z.norm(dim=1, keepdim=True)
    index = torch.stack([torch.arange(N), j], 1)
    want = loops.info_nce(z[:N], z[N:], index, w, 0.3)
    assert loss.item() == pytest.approx(want, abs=1e-6)


def test_simclr_with_imix_mixes_each_half_on_its_own_and_masks_both_ingredients(seen, loops):
    made = objective(TermSettings(method=settings_of("simclr", temperature=0.4), noise=Two(), imix=MixSpy()))
    loss = made(data(), KEY)
    (xa, _, a), (xb, _, b) = seen
    assert torch.equal(xa, data())
    assert torch.equal(xb, data().flip(1) + 0.5)
    assert not torch.equal(a.weight, b.weight)
    clean = torch.cat([xa, xb])
    z = made.encoder(torch.cat([a.x, b.x, clean]))
    z = made.methods[0].online.projector(z)
    z = z / z.norm(dim=1, keepdim=True)
    own = torch.arange(N)[:, None]
    mine = torch.cat([torch.cat([own, a.partner], 1), torch.cat([own, b.partner], 1) + N])
    theirs = (mine + N) % (2 * N)
    want = loops.info_nce(z[: 2 * N], z[2 * N :], theirs, torch.cat([a.weight, b.weight]), 0.4, exclude=mine)
    assert loss.item() == pytest.approx(want, abs=1e-6)


@pytest.mark.parametrize("kind", ["moco", "byol"])
@pytest.mark.parametrize("cut", CUTS)
def test_methods_with_a_momentum_network_mix_queries_and_keep_keys_clean(kind, cut, seen, loops):
    made = objective(TermSettings(method=settings_of(kind), noise=Two(), imix=MixSpy(cut=(cut,))))
    method = made.methods[0]
    loss = made(data(), KEY)
    ((x, _, mixed),) = seen
    query = data()
    stages = list(made.encoder.stages.values())
    for stage in stages[: CUTS.index(cut)]:
        query = stage(query)
    torch.testing.assert_close(x, query)
    query = mixed.x
    for stage in stages[CUTS.index(cut) :]:
        query = stage(query)
    query = method.online.projector(query)
    query = query / query.norm(dim=1, keepdim=True)
    key = method.target.projector(method.target.encoder(data().flip(1) + 0.5))
    key = key / key.norm(dim=1, keepdim=True)
    index = torch.cat([torch.arange(N)[:, None], mixed.partner], 1)
    if kind == "moco":
        want = loops.info_nce(query, key, index, mixed.weight, method.temperature, queue=method.queue)
    else:
        query = method.predictor(query)
        query = query / query.norm(dim=1, keepdim=True)
        want = loops.regression(query, key, index, mixed.weight)
    assert loss.item() == pytest.approx(want, abs=1e-6)


def test_symmetric_simsiam_computes_each_view_once(loops):
    made = objective(TermSettings(method=settings_of("simsiam"), noise=Two()))
    method, seen = made.methods[0], []
    made.encoder.register_forward_hook(lambda *_: seen.append("whole"))
    made.encoder.stages["layer1"].register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0])))
    loss = made(data(), KEY).item()
    assert seen == [2 * N]
    z = method.online(torch.cat([data(), data().flip(1) + 0.5]))
    query = method.predictor(z)
    other = (torch.arange(2 * N)[:, None] + N) % (2 * N)
    want = loops.regression(query / query.norm(dim=1, keepdim=True), z, other, torch.ones(2 * N, 1))
    assert loss == pytest.approx(want, abs=1e-6)


# SimSiam computes both turns in one.
@pytest.mark.parametrize("kind", [kind for kind in CONTRASTIVE if kind not in ("simclr", "simsiam")])
def test_symmetric_is_the_mean_of_both(kind):
    made = objective(TermSettings(method=settings_of(kind, symmetric=True), noise=Two()))
    a, b, t = data(), data().flip(1) + 0.5, Targets.identity(N)
    method = made.methods[0]
    there, back = method.loss(Views(a, b, t)).item(), method.loss(Views(b, a, t)).item()
    assert abs(there - back) > 1e-4 or kind == "byol"
    assert made(data(), KEY).item() == pytest.approx((there + back) / 2, abs=1e-9)
    one_way = objective(TermSettings(method=settings_of(kind, symmetric=False), noise=Two()))
    assert one_way(data(), KEY).item() == pytest.approx(there, abs=1e-9)


def test_symmetric_moco_queues_the_keys_of_both_turns():
    made = objective(TermSettings(method=settings_of("moco", symmetric=True, queue=40), noise=Two()))
    made(data(), KEY)
    made.after_step()
    assert int(made.methods[0].position) == 2 * N


@pytest.mark.parametrize("kind", CONTRASTIVE)
@pytest.mark.parametrize("cut", [*((c,) for c in CUTS), CUTS, ("input", "output")], ids=lambda cuts: "+".join(cuts))
def test_every_method_trains_with_mixing_at_every_cut(kind, cut):
    """The published N-pair code crashes on every hidden cut: it writes into a ReLU's output."""
    made = objective(TermSettings(method=settings_of(kind), imix=IMix(cut=cut)))
    optimizer = torch.optim.SGD([p for p in made.parameters() if p.requires_grad], lr=0.1)
    first = made.encoder.stages["layer1"][0].weight
    before = first.detach().clone()
    for step in range(3):
        optimizer.zero_grad()
        loss = made(data(), Key(0).at(step))
        loss.backward()
        assert loss.isfinite()
        assert first.grad.isfinite().all()
        assert first.grad.any()
        optimizer.step()
        made.after_step()
    assert not torch.equal(first, before)


OF_VALUES = [kind for kind, settings in ENCODERS.items() if "values" in settings.takes]
FLAT, PICTURES = Inputs((D,), (4, 2)), Inputs((2, 12, 12), mean=(0.1, 0.2), std=(1.0, 2.0))


@pytest.mark.parametrize("kind", [kind for kind in OF_VALUES if kind != "timm"])  # one stage, as of any user's module
@pytest.mark.parametrize("operator", [Linear(), Binary(), Geometric()], ids=lambda o: type(o).__name__)
def test_every_named_stage_of_every_encoder_can_be_mixed_behind(kind, operator):
    torch.manual_seed(0)
    flat = kind in ("mlp", "imix_mlp")
    inputs, x = (FLAT, data().float()) if flat else (PICTURES, torch.rand(8, *PICTURES.shape))
    made = ENCODERS[kind](width=4).build(inputs).with_front(AsStored(), inputs)
    for cut in made.cuts[1:]:
        if type(operator) is Geometric and cut == "standardise":
            continue  # negative numbers: geometric mixing refuses (below)
        if type(operator) is Geometric and kind == "imix_mlp" and cut in ("groups", "layer5", "output"):
            continue  # no ReLU there: geometric mixing refuses (below)
        term = TermSettings(method=settings_of("npair"), imix=IMix(cut=(cut,), operator=operator))
        whole = Objective(deepcopy(made), term).train()
        whole(x, KEY).backward()
        assert all(p.grad.isfinite().all() for p in whole.parameters())
        whole.eval()(x, KEY).backward()
        assert all(p.grad.isfinite().all() for p in whole.parameters())


def test_geometric_mixing_of_negative_activations_is_refused():
    term = TermSettings(method=settings_of("npair"), imix=IMix(cut=("groups",), operator=Geometric()))
    made = Objective(IMixMLP(width=4).build(Inputs((D,), (4, 2))), term)
    with pytest.raises(InputError, match="mode"):
        made(data().float(), KEY)


def test_several_cuts_are_drawn_anew_each_step(seen):
    made = objective(TermSettings(method=settings_of("npair"), imix=MixSpy(cut=("input", "layer1"))))
    for step in range(60):
        made(data(), Key(0).at(step))
    at_input = [x.shape[1] == D for x, *_ in seen]
    assert 15 < sum(at_input) < 45
    seen.clear()
    for step in range(60):
        made(data(), Key(0).at(step))
    assert [x.shape[1] == D for x, *_ in seen] == at_input


class NoiseSpy(Noise):
    """Adds draws to what it is given, and notes both."""

    seen: ClassVar[list] = []

    def __call__(self, x, *, generator, layout=None, pool=None):
        first, second = (torch.rand(x.shape, generator=generator) for _ in range(2))
        self.seen.append((x, first, layout, pool))
        return x + first, x + second


@pytest.mark.parametrize("cut", CUTS)
def test_noise_at_a_hidden_cut_falls_on_one_encoding_of_the_sample(cut):
    NoiseSpy.seen.clear()
    made = objective(TermSettings(method=settings_of("npair"), noise=NoiseSpy(cut=(cut,))), pool=data())
    loss = made(data(), KEY)
    ((x, _, _, pool),) = NoiseSpy.seen
    want = data()
    for stage in list(made.encoder.stages.values())[: CUTS.index(cut)]:
        want = stage(want)
    torch.testing.assert_close(x, want)
    assert (pool is None) == (cut != "input")
    loss.backward()
    assert made.encoder.stages["layer1"][0].weight.grad.any()


@pytest.mark.parametrize("kind", ["moco", "byol"])
def test_noise_at_a_hidden_cut_draws_the_same_for_both_networks(kind):
    NoiseSpy.seen.clear()
    made = objective(TermSettings(method=settings_of(kind), noise=NoiseSpy(cut=("layer1",))))
    made(data(), KEY)
    (online, draws, *_), (target, again, *_) = NoiseSpy.seen
    assert torch.equal(draws, again)
    assert not torch.equal(online, target)
    torch.testing.assert_close(online, made.encoder.stages["layer1"](data()))
    torch.testing.assert_close(target, made.methods[0].target.encoder.stages["layer1"](data()))
    assert online.requires_grad
    assert not target.requires_grad


@pytest.mark.parametrize("kind", CONTRASTIVE)
@pytest.mark.parametrize("cut", CUTS)
def test_every_method_trains_with_mixup_noise_and_imix_behind_any_cut(kind, cut):
    noise = MixupNoise(operators=(Linear(), Binary()), cut=(cut,))
    made = objective(TermSettings(method=settings_of(kind), noise=noise, imix=IMix(cut=("output",))))
    made(data(), KEY).backward()
    grad = made.encoder.stages["layer1"][0].weight.grad
    assert grad.isfinite().all()
    assert grad.any()


@pytest.mark.parametrize(("passes", "counted"), [("one", 1), ("two", 2)])
@pytest.mark.parametrize("cut", ["input", "layer2"])
def test_passes_say_whether_views_share_batchnorm_before_the_cut_too(passes, counted, cut):
    made = objective(TermSettings(method=settings_of("npair", passes=passes), noise=Two(), imix=IMix(cut=(cut,))))
    made(data(), KEY).backward()
    assert int(made.encoder.stages["layer1"][1].num_batches_tracked) == counted


def test_layout_and_pool_are_known_at_the_input_only(seen, mixed_rows, mixed_layout, mixed_spec):
    NoiseSpy.seen.clear()
    torch.manual_seed(0)
    deep = MLP(depth=2, width=8).build(mixed_spec.inputs())
    for cut, known in (("input", True), ("layer1", False)):
        term = TermSettings(method=settings_of("npair"), noise=NoiseSpy(), imix=MixSpy(cut=(cut,)))
        made = Objective(deep, term, layout=mixed_layout, pool=mixed_rows)
        # Codes are whole numbers; the spy's noise must not push them to the next one.
        made.encoder.stages["embed"].register_forward_pre_hook(lambda m, args: (args[0].clamp(0, 8),))
        made(mixed_rows, KEY)
        assert (seen[-1][1] is mixed_layout) == known
        assert NoiseSpy.seen[-1][2] is mixed_layout
        assert NoiseSpy.seen[-1][3] is mixed_rows


@pytest.mark.parametrize("kind", CONTRASTIVE)
def test_a_mixed_table_trains_in_every_method(kind, mixed_rows, mixed_layout, mixed_spec):
    torch.manual_seed(0)
    term = TermSettings(method=settings_of(kind), noise=Marginal(), imix=IMix(partners=2))
    made = Objective(MLP(depth=2, width=8).build(mixed_spec.inputs()), term, layout=mixed_layout, pool=mixed_rows)
    made(mixed_rows, KEY).backward()
    assert made.encoder.stages["embed"].tables[0].weight.grad.any()


def test_terms_add_up():
    """SimCLR + DACL on one network: the sum of the two losses computed one by one with the same keys."""
    first = TermSettings(method=settings_of("simclr"), noise=Drop(rate=0.3))
    extra = ExtraSettings(noise=MixupNoise(), weight=0.25)
    both = objective(first, [extra])
    assert len(both.methods) == 1
    assert both.terms[0].method is both.terms[1].method
    alone = [
        objective(first).terms[0](data(), KEY.at(0)),
        objective(TermSettings(method=settings_of("simclr"), noise=MixupNoise())).terms[0](data(), KEY.at(1)),
    ]
    want = alone[0].item() + 0.25 * alone[1].item()
    loss = both(data(), KEY)
    assert loss.item() == pytest.approx(want, abs=1e-10)
    loss.backward()
    grads = gradients(both)
    parts = [objective(first), objective(TermSettings(method=settings_of("simclr"), noise=MixupNoise()))]
    for n, part in enumerate(parts):
        part.terms[0](data(), KEY.at(n)).backward()
    name = "encoder.stages.layer1.0.weight"
    torch.testing.assert_close(grads[name], gradients(parts[0])[name] + 0.25 * gradients(parts[1])[name])


def test_a_term_with_its_own_method_shares_the_encoder_only():
    made = objective(
        TermSettings(method=settings_of("npair")), [ExtraSettings(method=settings_of("byol"), noise=Gaussian())]
    )
    first, second = made.methods
    assert first.online.encoder is second.online.encoder is made.encoder
    assert first.online.projector is not second.online.projector
    made(data(), KEY).backward()
    before = [p.clone() for p in second.target.parameters()]
    with torch.no_grad():
        for p in second.online.parameters():
            p.add_(1.0)
    made.after_step()
    assert any(not torch.equal(a, b) for a, b in zip(before, second.target.parameters()))


def test_a_terms_weight_scales_its_loss():
    one = objective(TermSettings(method=settings_of("npair")))(data(), KEY).item()
    assert objective(TermSettings(method=settings_of("npair"), weight=3.0))(data(), KEY).item() == pytest.approx(
        3 * one
    )


@pytest.mark.parametrize("kind", CONTRASTIVE)
def test_the_same_key_gives_the_same_loss_and_leaves_global_randomness_alone(kind):
    term = TermSettings(method=settings_of(kind), noise=MixupNoise(), imix=IMix(cut=("input", "layer1")))
    made = objective(term)
    state = torch.get_rng_state()
    first, again, other = (deepcopy(made)(data(), key).item() for key in (KEY, KEY, Key(0).at("step", 4)))
    assert first == again != other
    assert torch.equal(torch.get_rng_state(), state)


def test_the_batch_is_left_as_it_was():
    x = data()
    for kind in CONTRASTIVE:
        objective(TermSettings(method=settings_of(kind), imix=IMix()))(x, KEY).backward()
    assert torch.equal(x, data())


def test_an_unknown_cut_is_refused_and_the_nearest_named():
    with pytest.raises(InputError, match=r"no stage 'layr1'.*'layer1'"):
        objective(TermSettings(imix=IMix(cut=("layr1",))))
    with pytest.raises(InputError, match=r"no stage 'block9'"):
        objective(TermSettings(noise=Drop(cut=("block9",))))
    with pytest.raises(InputError, match="no stage"):
        objective(TermSettings(), [ExtraSettings(imix=IMix(cut=("nowhere",)))])


def test_mixing_before_the_noise_is_refused():
    with pytest.raises(InputError, match=r"imix\.cut after noise\.cut"):
        objective(TermSettings(noise=Drop(cut=("layer2",)), imix=IMix(cut=("input",))))
    with pytest.raises(InputError, match=r"imix\.cut after noise\.cut"):
        objective(TermSettings(noise=Drop(cut=("input", "layer2")), imix=IMix(cut=("layer1",))))
    objective(TermSettings(noise=Drop(cut=("layer1",)), imix=IMix(cut=("layer1", "output"))))(data(), KEY)


def test_the_original_moco_refuses_imix():
    with pytest.raises(InputError, match="revised"):
        objective(TermSettings(method=MoCo(form="original"), imix=IMix()))
    with pytest.raises(InputError, match="revised"):
        objective(TermSettings(method=MoCo(form="original")), [ExtraSettings(imix=IMix())])
    objective(TermSettings(method=settings_of("moco", form="original")))(data(), KEY)


def test_without_noise_and_mixing_both_views_are_the_sample():
    made = objective(TermSettings(method=BYOL(projector=HEAD, predictor=Predictor()), noise=NoNoise()))
    assert made(data(), KEY).isfinite()
    same = objective(TermSettings(method=SimCLR(projector=HEAD), noise=NoNoise()))
    other = objective(TermSettings(method=NPair(projector=HEAD), noise=NoNoise()))
    assert same(data(), KEY).isfinite()
    assert other(data(), KEY).isfinite()
