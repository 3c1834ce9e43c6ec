"""Test mixing on a table with every kind of column, whose elements are listed by hand in conftest."""

import pytest
import torch

from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.mixing import OPERATORS
from contramix.mixing.binary import Binary
from contramix.mixing.geometric import Geometric
from contramix.mixing.linear import Linear
from contramix.noise.inputmix import InputMix

every = pytest.mark.parametrize("kind", OPERATORS)
blending = pytest.mark.parametrize("kind", ["linear", "geometric"])


def draw(x, kind, layout, partners=1, seed=0, own=None):
    g = torch.Generator().manual_seed(seed)
    n = len(x)
    partner = torch.randint(n, (n, partners), generator=g)
    weight = torch.rand(n, partners + 1, generator=g) + 0.02
    weight = weight / weight.sum(1, keepdim=True) if own is None else torch.tensor([[own, 1 - own]] * n)
    mixed = OPERATORS[kind]()(x, partner, weight, generator=g, layout=layout)
    return mixed, partner, weight


def test_the_specification_lays_the_table_out_as_listed_by_hand(facts, mixed_rows, mixed_layout):
    assert mixed_rows.shape[1] == facts.width
    for number, (name, elements) in enumerate(facts.units.items()):
        assert mixed_layout.unit[elements].tolist() == [number] * len(elements)
        assert bool(mixed_layout.blend[number]) == (name in facts.averaged)
        assert int(mixed_layout.missing_at[number]) == (21 if name == "shop" else facts.flags.get(name, -1))
    assert mixed_layout.code.nonzero().flatten().tolist() == [21]
    assert mixed_layout.flag.nonzero().flatten().tolist() == sorted(facts.flags.values())
    assert mixed_layout.numeric.nonzero().flatten().tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 9]


@every
@pytest.mark.parametrize("partners", [1, 2, 4])
def test_levels_groups_and_codes_come_whole_from_one_source(kind, partners, facts, mixed_rows, mixed_layout):
    partners = 1 if kind == "cutmix" else partners
    mixed, partner, _ = draw(mixed_rows, kind, mixed_layout, partners)
    differ = 0
    for k, row in enumerate(mixed.x):
        sources = mixed_rows[[k, *partner[k].tolist()]]
        for name in ("member", "color", "insured", "town", "shop"):
            at = facts.units[name]
            assert any(torch.equal(row[at], source[at]) for source in sources), name
            differ += not torch.equal(row[at], sources[0][at])
        assert row[facts.units["color"]].sum() == 1
        assert row[facts.units["town"]].sum() == 1  # a level, or the flag
        assert row[21] == row[21].round()
        assert 1 <= row[21] <= 9
    assert differ > 20


@every
def test_weight_one_gives_x_though_it_is_missing(kind, facts, mixed_rows, mixed_layout):
    mixed, _, weight = draw(mixed_rows, kind, mixed_layout, own=1.0)
    assert torch.equal(mixed.x, mixed_rows)
    assert torch.equal(mixed.weight, weight)


@every
def test_weight_nought_gives_the_partner(kind, facts, mixed_rows, mixed_layout):
    mixed, partner, _ = draw(mixed_rows, kind, mixed_layout, own=0.0)
    assert torch.equal(mixed.x, mixed_rows[partner[:, 0]])


@every
def test_partner_self_gives_x(kind, mixed_rows, mixed_layout, generator):
    n = len(mixed_rows)
    weight = torch.tensor([[0.3, 0.5, 0.2]] * n) if kind != "cutmix" else torch.tensor([[0.3, 0.7]] * n)
    partner = torch.arange(n)[:, None].expand(n, weight.shape[1] - 1)
    kept = mixed_rows.clone()
    mixed = OPERATORS[kind]()(mixed_rows, partner, weight, generator=generator, layout=mixed_layout)
    torch.testing.assert_close(mixed.x, mixed_rows, rtol=1e-4, atol=1e-5)
    assert torch.equal(mixed_rows, kept)


@every
def test_typed_mixing_is_never_nan_and_its_weights_are_shares(kind, mixed_rows, mixed_layout):
    for seed in range(5):
        mixed, _, _ = draw(mixed_rows, kind, mixed_layout, seed=seed)
        assert mixed.x.isfinite().all()
        assert (mixed.weight >= 0).all()
        assert (mixed.weight <= 1).all()
        torch.testing.assert_close(mixed.weight.sum(1), torch.ones(len(mixed.x)))


def different_rows(facts, rows):
    """Pairs of rows that differ in every unit, so that one can see what came from which."""
    pairs = []
    for i in range(len(rows)):
        for j in range(len(rows)):
            if all(not torch.equal(rows[i][at], rows[j][at]) for at in facts.units.values()):
                pairs.append((i, j))
    return pairs


@every
def test_realised_weight_is_the_mean_over_units_of_what_came_from_each(kind, facts, mixed_rows, mixed_layout):
    pairs = different_rows(facts, mixed_rows)
    assert len(pairs) > 20
    own = 0.65
    some_missing = 0
    for i, j in pairs[:60]:
        x = mixed_rows[[i, j]]
        g = torch.Generator().manual_seed(i * 100 + j)
        weight = torch.tensor([[own, 1 - own]] * 2)
        mixed = OPERATORS[kind]()(x, torch.tensor([[1], [0]]), weight, generator=g, layout=mixed_layout)
        shares = []
        for name, at in facts.units.items():
            got, mine, theirs = mixed.x[0][at], x[0][at], x[1][at]
            mine_missing, theirs_missing = facts.missing(x[0], name), facts.missing(x[1], name)
            if torch.equal(got, mine):
                shares.append(1.0)
            elif torch.equal(got, theirs):
                shares.append(0.0)
            else:
                assert kind in ("linear", "geometric")
                assert name in facts.averaged
                assert not mine_missing
                assert not theirs_missing
                shares.append(own)
            some_missing += mine_missing != theirs_missing
        assert mixed.weight[0, 0].item() == pytest.approx(sum(shares) / len(shares), abs=1e-6)
    assert some_missing > 20


@blending
@pytest.mark.parametrize("partners", [1, 2])
def test_where_one_side_is_missing_the_observed_side_is_taken(kind, partners, facts, mixed_rows, mixed_layout):
    mixed, partner, weight = draw(mixed_rows, kind, mixed_layout, partners, seed=1)
    met = dict.fromkeys((*facts.flags, "shop"), 0)
    for k, row in enumerate(mixed.x):
        sources = mixed_rows[[k, *partner[k].tolist()]]
        for name in met:
            observed = [m for m, source in enumerate(sources) if not facts.missing(source, name)]
            assert facts.missing(row, name) == (not observed), name
            if len(observed) == len(sources) or not observed:
                continue
            met[name] += 1
            at = facts.units[name][0]
            if name in facts.averaged:
                total = sum(weight[k, m].item() for m in observed)
                if len(observed) == 1:
                    assert row[at].item() == pytest.approx(sources[observed[0]][at].item(), abs=1e-5)
                elif kind == "linear":
                    want = sum(weight[k, m].item() * sources[m][at].item() for m in observed) / total
                    assert row[at].item() == pytest.approx(want, abs=1e-5)
    assert all(count > 3 for count in met.values()), met


def test_binary_moves_a_unit_with_its_flag(facts, mixed_rows, mixed_layout):
    gone = 0
    for seed in range(3):
        mixed, partner, _ = draw(mixed_rows, "binary", mixed_layout, seed=seed, own=0.5)
        for k, row in enumerate(mixed.x):
            mine, theirs = mixed_rows[k], mixed_rows[int(partner[k, 0])]
            for name, at in facts.units.items():
                assert torch.equal(row[at], mine[at]) or torch.equal(row[at], theirs[at]), name
                gone += facts.missing(row, name) and not facts.missing(mine, name)
    assert gone > 10  # a missing value may replace an observed one


@blending
def test_levels_are_drawn_with_the_weights_as_probabilities(kind, facts, mixed_rows, mixed_layout, generator):
    i, j = next(p for p in different_rows(facts, mixed_rows) if mixed_rows[list(p)][:, [2, 10, 16, 20]].sum() == 0)
    n = 4000
    x = mixed_rows[[i, j]].repeat(n // 2, 1)
    partner = torch.where(torch.arange(n) % 2 == 0, 1, 0)[:, None]
    weight = torch.tensor([[0.8, 0.2]] * n)
    mixed = OPERATORS[kind]()(x, partner, weight, generator=generator, layout=mixed_layout)
    for name in ("member", "color", "town", "shop"):
        at = facts.units[name]
        kept = (mixed.x[:, at] == x[:, at]).all(1).float().mean().item()
        assert kept == pytest.approx(0.8, abs=0.04), name
    town, color = ((mixed.x[:, facts.units[u]] == x[:, facts.units[u]]).all(1) for u in ("town", "color"))
    both = (town & color).float().mean().item()
    assert both == pytest.approx(0.64, abs=0.05)  # each unit draws for itself


def test_geometric_with_a_layout_mixes_between_each_columns_training_range(facts, mixed_rows, mixed_layout):
    eps = 1e-3
    mixed, partner, weight = draw(mixed_rows, "geometric", mixed_layout)
    at = 0  # income: never missing
    low, high = mixed_rows[:, at].min().item(), mixed_rows[:, at].max().item()
    assert low < 0
    for k, row in enumerate(mixed.x):
        w = weight[k].tolist()
        a, b = (eps + (1 - eps) * (mixed_rows[s, at].item() - low) / (high - low) for s in (k, int(partner[k, 0])))
        want = (a ** w[0] * b ** w[1] - eps) / (1 - eps) * (high - low) + low
        assert row[at].item() == pytest.approx(want, abs=1e-4)


def test_linear_with_a_layout_averages_numbers_and_dates(facts, mixed_rows, mixed_layout):
    mixed, partner, weight = draw(mixed_rows, "linear", mixed_layout)
    for k, row in enumerate(mixed.x):
        theirs = mixed_rows[int(partner[k, 0])]
        for name in facts.averaged:
            if not facts.missing(mixed_rows[k], name) and not facts.missing(theirs, name):
                at = facts.units[name]
                torch.testing.assert_close(row[at], weight[k, 0] * mixed_rows[k][at] + weight[k, 1] * theirs[at])


@pytest.mark.parametrize("kind", ["linear", "geometric"])
def test_raw_mode_averages_levels_but_never_codes(kind, facts, mixed_table):
    spec, _ = TableSpec.learn(mixed_table, TableSettings(onehot_levels=4, mixing="raw"))
    x, layout = spec.tensorize(mixed_table), spec.layout()
    mixed, partner, weight = draw(x, kind, layout, seed=2)
    between = 0
    for k, row in enumerate(mixed.x):
        theirs = x[int(partner[k, 0])]
        assert row[21] in (x[k, 21], theirs[21])
        elements = [*facts.units["color"], *facts.units["town"], *facts.flags.values()]
        if kind == "linear":
            torch.testing.assert_close(row[elements], weight[k, 0] * x[k][elements] + weight[k, 1] * theirs[elements])
            between += ((row[elements] > 0) & (row[elements] < 1)).sum().item()
            code = 1.0 if row[21] == x[k, 21] else 0.0
            if x[k, 21] != theirs[21]:  # else one cannot see where it came from
                want = (21 * weight[k, 0].item() + code) / 22
                assert mixed.weight[k, 0].item() == pytest.approx(want, abs=1e-6)
    assert kind != "linear" or between > 50


def test_a_value_that_all_of_many_sources_miss_stays_missing_when_mixed_again(facts, mixed_rows, mixed_layout):
    """The weights of several partners sum to 1 but for rounding, and so does a flag that was mixed with them."""
    noise = InputMix(partners=4)
    lost = mixed_rows.clone()
    lost[:, facts.units["age"]] = torch.tensor([0.0, 1.0])
    lost = lost.repeat(20, 1)
    once, _ = noise(lost, generator=torch.Generator().manual_seed(0), layout=mixed_layout)
    torch.testing.assert_close(once[:, 2], torch.ones(len(once)))
    assert (once[:, 2] != 1).any()
    x = torch.cat([once, mixed_rows[facts_observed(mixed_rows)][: len(once)]])
    n = len(once)
    partner = torch.arange(n, len(x))[:, None].repeat(n, 1)[:n]
    whole = torch.cat([partner, torch.zeros(len(x) - n, 1, dtype=torch.long)])
    mixed = Linear()(x, whole, torch.tensor([[0.9, 0.1]] * len(x)), generator=torch.Generator(), layout=mixed_layout)
    assert (mixed.x[:n, 2] == 0).all()
    torch.testing.assert_close(mixed.x[:n, 1], x[whole[:n, 0], 1])


def facts_observed(rows):
    return (rows[:, 2] == 0).nonzero().flatten()


def test_a_layout_moves_with_all_it_holds(mixed_layout):
    moved = mixed_layout.to("cpu")
    assert moved is not mixed_layout
    assert moved.units == mixed_layout.units
    assert torch.equal(moved.unit, mixed_layout.unit)


def test_operators_without_a_layout_treat_each_element_alone(mixed_rows, generator):
    n = len(mixed_rows)
    mixed = Binary()(mixed_rows, torch.randperm(n)[:, None], torch.tensor([[0.5, 0.5]] * n), generator=generator)
    assert (mixed.x[:, 12:15].sum(1) != 1).any()
    with pytest.raises(ValueError, match="mode"):
        Geometric()(mixed_rows, torch.randperm(n)[:, None], torch.tensor([[0.5, 0.5]] * n), generator=generator)
