"""Test how each noise changes each view, and what it leaves unchanged."""

from typing import ClassVar

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.mixing import OPERATORS
from contramix.mixing.binary import Binary
from contramix.mixing.geometric import Geometric
from contramix.mixing.linear import Linear
from contramix.mixing.operator import Operator
from contramix.noise import NOISE, AnyNoise
from contramix.noise.drop import Drop
from contramix.noise.gaussian import Gaussian
from contramix.noise.inputmix import InputMix
from contramix.noise.marginal import Marginal
from contramix.noise.mixup import MixupNoise
from contramix.noise.none import NoNoise
from contramix.types import Mixture


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


INPUT_NOISE = [kind for kind in NOISE if kind != "augment"]  # which begins with samples as they are stored


@pytest.mark.parametrize("kind", INPUT_NOISE)
@pytest.mark.parametrize("typed", [True, False])
def test_every_noise_keeps_shape_and_input_and_repeats_from_the_same_state(kind, typed, mixed_rows, mixed_layout):
    noise = TypeAdapter(AnyNoise).validate_python(kind)
    assert TypeAdapter(AnyNoise).dump_python(noise)["kind"] == kind
    layout = mixed_layout if typed else None
    kept, state = mixed_rows.clone(), torch.get_rng_state()
    first, again, other = (noise(mixed_rows, generator=seeded(s), layout=layout, pool=mixed_rows) for s in (5, 5, 6))
    assert torch.equal(mixed_rows, kept)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(a.shape == kept.shape and a.isfinite().all() for a in first)
    assert all(torch.equal(a, b) for a, b in zip(first, again))
    assert kind == "none" or not torch.equal(first[1], other[1])


@pytest.mark.parametrize("kind", INPUT_NOISE)
@pytest.mark.parametrize("shape", [(3,), (2, 6), (3, 5, 4)])
def test_every_noise_takes_inputs_of_any_shape(kind, shape):
    x = torch.rand(7, *shape)
    first, second = NOISE[kind]()(x, generator=seeded(), layout=None, pool=x)
    assert first.shape == second.shape == x.shape


def test_no_noise_gives_the_sample_twice(mixed_rows):
    first, second = NoNoise()(mixed_rows, generator=seeded())
    assert torch.equal(first, mixed_rows)
    assert torch.equal(second, mixed_rows)


def test_drop_sets_the_given_share_to_zero_and_leaves_the_rest():
    x = torch.rand(200, 100) + 1
    first, second = Drop(rate=0.3)(x, generator=seeded())
    gone, gone_too = first == 0, second == 0
    assert torch.equal(first[~gone], x[~gone])
    for lost in (gone, gone_too):
        assert lost.float().mean().item() == pytest.approx(0.3, abs=0.02)
    assert (gone & gone_too).float().mean().item() == pytest.approx(0.09, abs=0.02)  # independent


def test_drop_zeroes_numbers_only_by_default(facts, mixed_rows, mixed_layout):
    x = mixed_rows.repeat(60, 1)
    first, _ = Drop(rate=0.4)(x, generator=seeded(), layout=mixed_layout)
    others = [*range(11, 22), *facts.flags.values()]
    assert torch.equal(first[:, others], x[:, others])
    lost = (first[:, 0] == 0).float().mean().item()
    assert lost == pytest.approx(0.4, abs=0.05)
    sines = first[:, 4:10][x[:, 10] == 0] == 0  # a date is dropped whole
    assert (sines.all(1) | ~sines.any(1)).all()
    assert sines.all(1).any()


def test_drop_of_all_columns_drops_groups_whole(facts, mixed_rows, mixed_layout):
    x = mixed_rows.repeat(20, 1)
    first, _ = Drop(rate=0.4, columns="all")(x, generator=seeded(), layout=mixed_layout)
    for at in facts.units.values():
        lost = (first[:, at] == 0).all(1)
        assert torch.equal(first[~lost][:, at], x[~lost][:, at])
        already = (x[:, at] == 0).all(1).float().mean().item()
        assert lost.float().mean().item() == pytest.approx(already + 0.4 * (1 - already), abs=0.06)


def test_drop_reaches_levels_where_there_are_no_numbers(mixed_table):
    spec, _ = TableSpec.learn(mixed_table.select(["town", "member", "shop"]), TableSettings())
    x = spec.tensorize(mixed_table)
    first, _ = Drop(rate=0.5)(x, generator=seeded(), layout=spec.layout())
    assert (first != x).any()


def test_gaussian_has_its_mean_and_standard_deviation_in_each_view():
    x = torch.rand(300, 100)
    first, second = Gaussian(std=0.5, mean=0.2)(x, generator=seeded())
    for view in (first, second):
        assert (view - x).mean().item() == pytest.approx(0.2, abs=0.02)
        assert (view - x).std().item() == pytest.approx(0.5, abs=0.02)
    assert torch.corrcoef(torch.stack([(first - x).flatten(), (second - x).flatten()]))[0, 1].abs() < 0.03


def test_gaussian_leaves_codes_and_flags(facts, mixed_rows, mixed_layout):
    first, second = Gaussian()(mixed_rows, generator=seeded(), layout=mixed_layout)
    kept = [21, *facts.flags.values()]
    others = [n for n in range(facts.width) if n not in kept]
    for view in (first, second):
        assert torch.equal(view[:, kept], mixed_rows[:, kept])
        assert (view[:, others] != mixed_rows[:, others]).all()


class Spy(Operator):
    """Adds an amount, so that one sees which operator was drawn, and notes what it was asked."""

    amount: float
    asked: ClassVar[list] = []

    def __call__(self, x, partner, weight, *, generator, layout=None):
        self.asked.append((partner, weight))
        return Mixture(x + self.amount, partner, weight)


class KeepingSpy(Spy):
    weight_is_probability: ClassVar[bool] = True


@pytest.fixture
def asked():
    Spy.asked.clear()
    return Spy.asked


def test_mixup_noise_mixes_each_view_with_another_sample_and_weights_of_its_own():
    """Rows of the identity show their weights: lambda on the diagonal, 1 - lambda at the partner."""
    n = 200
    views = MixupNoise(alpha=0.6)(torch.eye(n), generator=seeded())
    partners = []
    for view in views:
        own = view.diagonal()
        assert (own >= 0.6).all()
        assert (own < 1).all()
        rest = view - torch.diag(own)
        assert ((rest > 0).sum(1) == 1).all()  # the partner is never the sample itself
        torch.testing.assert_close(rest.sum(1), 1 - own)
        assert own.mean().item() == pytest.approx(0.8, abs=0.03)
        partners.append(rest.argmax(1))
    assert (partners[0] == partners[1]).float().mean() < 0.1
    assert (views[0].diagonal() - views[1].diagonal()).abs().min() > 0


def test_mixup_noise_never_meets_itself_even_in_a_batch_of_two(asked):
    for seed in range(20):
        MixupNoise(operators=(Spy(amount=0.0),))(torch.rand(2, 3), generator=seeded(seed))
    assert len(asked) == 40
    assert all(partner[:, 0].tolist() == [1, 0] for partner, _ in asked)
    with pytest.raises(ValueError, match="two samples"):
        MixupNoise()(torch.rand(1, 3), generator=seeded())


def test_dacl_plus_draws_one_operator_a_sample_for_both_views(asked):
    n, x = 300, torch.zeros(300, 2)
    noise = MixupNoise(operators=(Spy(amount=1.0), Spy(amount=2.0), Spy(amount=5.0)))
    first, second = noise(x, generator=seeded())
    assert torch.equal(first, second)  # the same operator; what it drew itself is compared below
    drawn = first[:, 0].tolist()
    for amount in (1.0, 2.0, 5.0):
        assert drawn.count(amount) / n == pytest.approx(1 / 3, abs=0.1)
    assert len(asked) == 6
    weights = [weight[:, 0] for _, weight in asked]
    partners = [partner[:, 0] for partner, _ in asked]
    for a in range(6):
        for b in range(a):
            assert not torch.equal(weights[a], weights[b])
            assert not torch.equal(partners[a], partners[b])
    again, _ = noise(x, generator=seeded(1))
    assert again[:, 0].tolist() != drawn


def test_dacl_plus_may_draw_one_operator_for_the_batch(asked):
    noise = MixupNoise(operators=(Spy(amount=1.0), Spy(amount=2.0)), per="batch")
    seen = set()
    for seed in range(20):
        first, second = noise(torch.zeros(9, 2), generator=seeded(seed))
        assert len(first.unique()) == 1
        assert torch.equal(first, second)
        seen.add(first[0, 0].item())
    assert seen == {1.0, 2.0}


def test_the_probability_to_keep_is_constant_for_operators_that_keep(asked):
    MixupNoise(operators=(KeepingSpy(amount=1.0), Spy(amount=2.0)), keep_prob=0.9, alpha=0.5)(
        torch.zeros(50, 2), generator=seeded()
    )
    keeping, sharing = asked[0][1], asked[1][1]
    torch.testing.assert_close(keeping, torch.tensor([[0.9, 0.1]] * 50))
    assert len(sharing[:, 0].unique()) == 50
    assert (sharing[:, 0] >= 0.5).all()


def test_binary_mixup_noise_keeps_the_given_share():
    n = 200
    x = torch.arange(n).float()[:, None].expand(n, 100).clone()
    first, second = MixupNoise(operators=(Binary(),), keep_prob=0.7)(x, generator=seeded())
    for view in (first, second):
        assert (view == x).float().mean().item() == pytest.approx(0.7, abs=0.02)


def test_dacl_plus_gives_each_sample_what_its_operator_gives():
    """Of the identity: linear leaves two numbers that sum to 1, binary zeros and ones, geometric a small partner."""
    n = 120
    noise = MixupNoise(operators=(Linear(), Geometric(), Binary()), alpha=0.5, keep_prob=0.5)
    kinds = []
    for view in noise(torch.eye(n), generator=seeded()):
        whole = ((view == 0) | (view == 1)).all(1)
        linear = ((view.sum(1) - 1).abs() < 1e-5) & ~whole
        kinds.append(torch.where(whole, 2, torch.where(linear, 0, 1)))
    assert torch.equal(*kinds)
    assert set(kinds[0].tolist()) == {0, 1, 2}


@pytest.mark.parametrize("kind", OPERATORS)
def test_mixup_noise_of_one_operator_may_be_named(kind):
    noise = MixupNoise.model_validate({"operators": kind})
    assert [type(o) for o in noise.operators] == [OPERATORS[kind]]
    assert MixupNoise.model_validate(noise.model_dump()) == noise


def test_inputmix_keeps_half_of_the_sample_and_mixes_both_views():
    n = 60
    first, second = InputMix(partners=2)(torch.eye(n), generator=seeded())
    for view in (first, second):
        assert (view.diagonal() >= 0.5).all()
        torch.testing.assert_close(view.sum(1), torch.ones(n))
        assert ((view > 0).sum(1) == 3).float().mean() > 0.8
        assert view.diagonal().mean().item() == pytest.approx(0.5 + 0.5 / 3, abs=0.05)
    assert not torch.equal(first, second)


def test_inputmix_of_one_partner_is_the_folded_beta():
    first, _ = InputMix(partners=1)(torch.eye(400), generator=seeded())
    assert first.diagonal().min() >= 0.5
    assert first.diagonal().mean().item() == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize(("rate", "replaced"), [(0.6, 4), (0.0, 0), (1.0, 8), (0.3, 2), (0.25, 2)])
def test_marginal_replaces_exactly_so_many_units_whole(rate, replaced, facts, mixed_rows, mixed_layout):
    """Of 8 units; the pool's values are marked with the row they come from."""
    pool = 1000.0 + torch.arange(50).float()[:, None].expand(50, facts.width).clone()
    second, first = Marginal(rate=rate)(mixed_rows, generator=seeded(), layout=mixed_layout, pool=pool)
    assert torch.equal(second, mixed_rows)  # one view stays clean
    rows_of_origin, per_unit = set(), []
    for view, x in zip(first, mixed_rows):
        marked = view >= 1000
        units = [bool(marked[at].any()) for at in facts.units.values()]
        assert sum(units) == replaced
        for at in facts.units.values():
            if marked[at].any():
                assert len(view[at].unique()) == 1  # a unit comes from one row of the pool
                rows_of_origin.add(view[at][0].item())
            else:
                assert torch.equal(view[at], x[at])
        per_unit.append(units)
    if replaced:
        assert len(rows_of_origin) > 30
        shares = torch.tensor(per_unit).float().mean(0)
        assert (shares - replaced / 8).abs().max() < 0.3
    if 0 < replaced < 8:
        assert len({tuple(u) for u in per_unit}) > 10


def test_marginal_draws_each_column_from_another_row(facts, mixed_layout):
    pool = torch.arange(50).float()[:, None].expand(50, facts.width).clone()
    _, first = Marginal(rate=1.0)(pool, generator=seeded(), layout=mixed_layout, pool=pool)
    assert all(len(view.unique()) > 4 for view in first)


def test_marginal_of_both_views_draws_twice(mixed_rows):
    first, second = Marginal(views="both")(mixed_rows, generator=seeded(), pool=mixed_rows)
    assert not torch.equal(first, mixed_rows)
    assert not torch.equal(second, mixed_rows)
    assert not torch.equal(first, second)


def test_marginal_without_a_pool_draws_from_the_batch():
    x = torch.arange(6).float()[:, None].expand(6, 10).clone()
    _, first = Marginal(rate=0.6)(x, generator=seeded())
    assert set(first.flatten().tolist()) <= set(range(6))
    assert ((first != x).sum(1) <= 6).all()
    assert (first != x).any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "drop", "rate": 1.0},
        {"kind": "drop", "rate": -0.1},
        {"kind": "gaussian", "std": -1.0},
        {"kind": "gaussian", "std": float("nan")},
        {"kind": "mixup", "operators": []},
        {"kind": "mixup", "alpha": 1.5},
        {"kind": "marginal", "rate": 2.0},
        {"kind": "drop", "rat": 0.2},
        {"kind": "dorp"},
        {},
        7,
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        TypeAdapter(AnyNoise).validate_python(wrong)


@pytest.mark.parametrize(
    ("noise", "cosine"),
    [
        (MixupNoise(alpha=0.9), 0.996),
        (MixupNoise(alpha=0.5), 0.839),
        (MixupNoise(operators=("binary",), keep_prob=0.9), 0.810),
        (MixupNoise(operators=("binary",), keep_prob=0.1), 0.010),
        (Gaussian(std=1.0), 0.5),
    ],
)
def test_cosines_of_two_views_that_the_documents_state(noise, cosine):
    x = torch.randn(4000, 200, generator=seeded())
    first, second = noise(x, generator=seeded(1))
    assert torch.cosine_similarity(first, second).mean().item() == pytest.approx(cosine, abs=0.006)
