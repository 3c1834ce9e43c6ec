"""Test mixing at every named stage of every encoder, for all domains, methods and noises, with and without i-Mix."""

import networkx
import numpy as np
import pytest
import torch

from contramix.domains import DOMAINS, find_domain_of_values
from contramix.methods import METHODS
from contramix.mixing import OPERATORS
from contramix.mixing.imix import IMix
from contramix.models.building import build_encoder
from contramix.models.pretraining import learn_spec, noise_pool
from contramix.noise import NOISE
from contramix.recipe import Recipe
from contramix.runtime.randomness import Key, seeded
from contramix.training.objective import Objective, TermSettings
from contramix.types import RaggedBatch, apply_mixture, concatenate, get_values, split

ROWS = 8
DRAW = np.random.default_rng(0)


def _graphs():
    made = [networkx.gnp_random_graph(4 + n % 3, 0.6, seed=n) for n in range(ROWS)]
    for graph in made:
        networkx.set_node_attributes(graph, {v: [float(v % 2), float(v)] for v in graph}, "x")
    return made


VALUES = {
    "table": DRAW.normal(size=(ROWS, 5)),
    "image": DRAW.integers(0, 256, (ROWS, 8, 8, 3), dtype=np.uint8),
    "audio": DRAW.normal(0, 0.1, (ROWS, 400)).clip(-1, 1).astype(np.float32),
    "series": DRAW.normal(size=(ROWS, 2, 20)),
    "series of many lengths": [DRAW.normal(size=(2, 12 + n)) for n in range(ROWS)],
    "text": [" ".join(["one", "two", "three", "four", "five", "six"][: 2 + n % 4]) + f" {n}" for n in range(ROWS)],
    "graph": _graphs(),
}
SMALL = {
    "image": {"image.size": 8},
    "audio": {"audio.sample_rate_hz": 1000, "audio.seconds": 0.4, "audio.mels": 8},
}
ENCODERS = [
    ("table", {"kind": "mlp", "width": 6, "depth": 2}),
    ("table", {"kind": "imix_mlp", "width": 2}),
    ("image", {"kind": "cnn", "width": 2}),
    ("image", {"kind": "resnet", "width": 2, "depth": 18}),
    ("audio", {"kind": "cnn", "width": 2}),
    ("series", {"kind": "cnn1d", "width": 2}),
    ("series", {"kind": "mlp", "width": 6, "depth": 2}),
    ("series", {"kind": "transformer", "width": 8, "layers": 1, "heads": 2}),
    ("series of many lengths", {"kind": "cnn1d", "width": 2}),
    ("series of many lengths", {"kind": "transformer", "width": 8, "layers": 1, "heads": 2}),
    ("text", {"kind": "transformer", "width": 8, "layers": 2, "heads": 2}),
    ("graph", {"kind": "gin", "width": 4, "layers": 3}),
]
IDS = [f"{what}-{settings['kind']}" for what, settings in ENCODERS]
MIXES = [
    None,
    {},
    {"operator": "binary"},
    {"operator": {"kind": "geometric", "mode": "signed_log"}},
    {"alpha": 0.7, "partners": 2, "fold": False},
]
NOISES = {
    **{name: {"kind": name} for name in NOISE if name not in ("mixup", "augment")},
    **{f"mixup-{name}": {"kind": "mixup", "operators": [_operator]} for name, _operator in (
        ("linear", "linear"), ("binary", "binary"), ("geometric", {"kind": "geometric", "mode": "signed_log"}))},
    "mixup-plus": {"kind": "mixup", "operators": ["linear", "binary", {"kind": "geometric", "mode": "signed_log"}]},
}  # fmt: skip
CONTRASTIVE = [name for name in METHODS if name != "infograph"]


@pytest.fixture(scope="module", params=ENCODERS, ids=IDS)
def made(request):
    """A kind of data and an encoder: a fresh copy of the encoder for each call, and all samples."""
    what, settings = request.param
    domain = what.partition(" ")[0]
    recipe = Recipe.load("npair", {"domain": domain, **SMALL.get(domain, {})}, domain).model_copy(
        update={"encoder": Recipe.load("npair", {"encoder": settings, "domain": domain}, domain).encoder}
    )
    values = VALUES[what]
    if domain != "audio":  # an array could be anything, so it must be told
        assert find_domain_of_values(values) == domain
    table = DOMAINS[domain].from_values(values, recipe.data).table
    spec, _ = learn_spec(table, recipe)

    def encoder():
        with seeded(Key(3)):
            return build_encoder(recipe.encoder, spec)

    return encoder, spec.tensorize(table), spec.layout()


def _cuts(encoder):
    """Each place by itself, and all of them, one drawn anew each step."""
    return [(cut,) for cut in encoder.cuts] + [encoder.cuts]


@pytest.mark.parametrize("method", CONTRASTIVE)
@pytest.mark.parametrize("noise", NOISES)
def test_every_stage_gives_a_finite_loss_and_gradients(made, method, noise):
    build, x, layout = made
    turn = list(NOISES).index(noise) + CONTRASTIVE.index(method)
    for number, cuts in enumerate(_cuts(build())):
        mix = MIXES[(turn + number) % len(MIXES)]  # each i-Mix meets each noise, method and stage, if not all at once
        encoder = build()
        imix = None if mix is None else IMix(**mix, cut=cuts[-1])
        term = TermSettings(method={"kind": method}, noise={**NOISES[noise], "cut": cuts}, imix=imix)
        objective = Objective(encoder, term, layout=layout, pool=noise_pool(encoder, x))
        loss = objective(x, Key(number).at("step"))
        assert torch.isfinite(loss), (cuts, mix)
        loss.backward()
        grads = [p.grad for p in objective.parameters() if p.grad is not None]
        assert grads
        assert all(g.isfinite().all() for g in grads), (cuts, mix)


@pytest.mark.parametrize("operator", [name for name in OPERATORS if name != "cutmix"])
def test_gradients_reach_the_sample_and_its_partners_and_nobody_else(made, operator):
    build, x, _ = made
    encoder = build().eval()
    settings = {"kind": operator, "mode": "signed_log"} if operator == "geometric" else {"kind": operator}
    for cut in encoder.cuts:
        state = encoder.run(encoder.front(x), stop=cut)
        leaf = get_values(state).detach().requires_grad_()
        mixed = IMix(operator=settings, fold=False)(leaf, generator=Key(1).generator())
        out = encoder.run(apply_mixture(_with_leaf(state, leaf), mixed), start=cut)
        direction = torch.randn(out.shape[1], generator=Key(2).generator())
        both = 0
        for query in range(ROWS):
            (gradient,) = torch.autograd.grad((out[query] * direction).sum(), leaf, retain_graph=True)
            reached = set(gradient.flatten(1).abs().sum(1).nonzero().flatten().tolist())
            sources = {query, *mixed.partner[query].tolist()}
            assert reached <= sources, cut
            both += len(sources) == 2 and reached == sources
        assert both >= 2, cut  # a query whose units are all dead, or whose partner gave no element, reaches fewer


def _with_leaf(state, leaf):
    return state.with_values(leaf) if isinstance(state, RaggedBatch) else leaf


def test_weight_one_is_the_sample_itself_at_every_stage(made):
    build, x, _ = made
    encoder = build().eval()
    with torch.no_grad():
        clean = encoder(x)
        for cut in encoder.cuts:
            state = encoder.run(encoder.front(x), stop=cut)
            weight = torch.tensor([[1.0, 0.0]]).expand(ROWS, -1)
            partner = torch.arange(ROWS).roll(1)[:, None]
            mixed = OPERATORS["linear"]()(get_values(state), partner, weight, generator=Key(0).generator())
            torch.testing.assert_close(encoder.run(apply_mixture(state, mixed), start=cut), clean, msg=cut)


def test_parts_joined_and_split_are_the_parts_at_every_stage(made):
    build, x, _ = made
    encoder = build().eval()
    with torch.no_grad():
        clean = encoder(x)
        for cut in encoder.cuts:
            state = encoder.run(encoder.front(x), stop=cut)
            both = encoder.run(concatenate([state, state]), start=cut)
            torch.testing.assert_close(both, torch.cat([clean, clean]), msg=cut)
            first, second = split(state, [3, ROWS - 3])
            apart = torch.cat([encoder.run(first, start=cut), encoder.run(second, start=cut)])
            torch.testing.assert_close(apart, clean, rtol=1e-4, atol=1e-5, msg=cut)


@pytest.mark.parametrize("noise", ["mixup-plus", "gaussian"])
def test_evaluation_is_untouched(made, noise):
    build, x, layout = made
    encoder = build()
    plain = encoder.eval()(x).detach()
    cuts = encoder.cuts
    term = TermSettings(method={"kind": "npair"}, noise={**NOISES[noise], "cut": cuts}, imix=IMix(cut=cuts[-1]))
    objective = Objective(encoder, term, layout=layout, pool=noise_pool(encoder, x)).eval()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    for step in range(3):
        objective(x, Key(step))
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert torch.equal(encoder(x), plain)


@pytest.mark.parametrize("method", CONTRASTIVE)
def test_bfloat16_gives_nearly_the_same_loss_and_float32_gradients(made, method):
    build, x, layout = made
    encoder = build()
    for cut in {encoder.first, encoder.auto, "output"}:
        term = TermSettings(method={"kind": method}, noise={**NOISES["mixup-linear"], "cut": cut}, imix=IMix(cut=cut))
        losses, gradients = [], []
        for half in (False, True):
            with seeded(Key(5)):
                objective = Objective(build(), term, layout=layout).eval()  # dropout would draw other numbers
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                loss = objective(x, Key(0))
            loss.backward()
            grads = [p.grad for p in objective.parameters() if p.grad is not None]
            assert all(g.isfinite().all() and g.dtype == torch.float32 for g in grads), cut
            assert loss.dtype == torch.float32
            losses.append(loss.item())
            gradients.append(torch.cat([g.flatten() for g in grads]))
        assert losses[1] == pytest.approx(losses[0], rel=0.05), cut
        # It was in use. Two losses of one number each may agree to the last bit, as they do on some processors.
        assert losses[1] != losses[0] or not torch.equal(*gradients), cut
