"""Test the specification of tables: rows to vectors, JSON and back, and the description for encoders."""

import json

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contramix.domains.table.columns.kinds import Boolean
from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.errors import InputError

WORDS = pa.large_string()


def test_rows_become_vectors_as_listed_by_hand(facts, mixed_spec, mixed_table, mixed_rows):
    assert mixed_rows.shape == (48, facts.width)
    assert mixed_rows.dtype == torch.float32
    income = np.array(mixed_table["income"])
    np.testing.assert_allclose(mixed_rows[:, 0], (income - income.mean()) / income.std(), atol=1e-6)
    seen = np.array([v for v in mixed_table["age"].to_pylist() if v is not None])
    for row, value in zip(mixed_rows.tolist(), mixed_table.to_pylist()):
        age = value["age"]
        assert row[1:3] == pytest.approx(
            [0.0, 1.0] if age is None else [(age - seen.mean()) / seen.std(), 0.0], abs=1e-6
        )
        assert row[11] == value["member"]
        assert row[12:15] == [value["red"], value["green"], value["blue"]]
        assert row[15:17] == ([0, 1] if value["insured"] is None else [value["insured"], 0])
        assert row[17:21] == [*(float(value["town"] == level) for level in "abc"), float(value["town"] is None)]
        assert row[21] == (1 if value["shop"] is None else 2 + int(value["shop"][-1]))
        assert row[10] == (value["since"] is None)


def test_the_order_of_columns_and_further_ones_do_not_matter(mixed_spec, mixed_table, mixed_rows):
    other = mixed_table.select(mixed_table.column_names[::-1]).append_column("new", pa.array(range(48)))
    assert torch.equal(mixed_spec.tensorize(other), mixed_rows)


def test_chunks_do_not_matter(mixed_spec, mixed_table, mixed_rows):
    chunked = pa.concat_tables([mixed_table.slice(0, 7), mixed_table.slice(7)])
    assert torch.equal(mixed_spec.tensorize(chunked), mixed_rows)
    assert torch.equal(mixed_spec.tensorize(mixed_table.slice(5, 3)), mixed_rows[5:8])
    assert mixed_spec.tensorize(mixed_table.slice(0, 0)).shape == (0, 22)


def changed(table, name, values):
    return table.set_column(table.column_names.index(name), name, values)


def test_levels_never_seen_and_new_gaps_are_fine(mixed_spec, mixed_table, facts):
    n = len(mixed_table)
    table = changed(mixed_table, "town", pa.array(["Atlantis"] * n, WORDS))
    table = changed(table, "shop", pa.array(["new shop"] * n, WORDS))
    table = changed(table, "income", pa.array([None] * n, pa.float64()))
    x = mixed_spec.tensorize(table)
    assert not x[:, facts.units["town"]].any()
    assert not x[:, 21].any()
    assert not x[:, 0].any()


@pytest.mark.parametrize("name", ["town", "shop", "income", "since", "member", "red", "age", "insured"])
@pytest.mark.parametrize("kind", [pa.float64(), WORDS, pa.null()], ids=str)
def test_a_column_with_nothing_in_it_may_have_lost_its_type(name, kind, mixed_spec, mixed_table, facts):
    """A reader gives a column without any value as float64."""
    x = mixed_spec.tensorize(changed(mixed_table, name, pa.nulls(len(mixed_table), kind)))
    assert x.isfinite().all()
    unit = "color" if name == "red" else name
    if unit in facts.flags or unit == "shop":
        assert all(facts.missing(row, unit) for row in x)


def test_missing_columns_are_named(mixed_spec, mixed_table):
    with pytest.raises(InputError, match=r"missing column 'age'.*the data have: town"):
        mixed_spec.tensorize(mixed_table.drop_columns(["age"]))
    with pytest.raises(InputError, match=r"missing columns 'age', 'shop'"):
        mixed_spec.tensorize(mixed_table.drop_columns(["age", "shop"]))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("income", pa.array(["much"] * 48, WORDS)),
        ("income", pa.array([0] * 48, pa.timestamp("us"))),
        ("age", pa.array([None] * 47 + ["old"], WORDS)),
        ("member", pa.array(["yes"] * 48, WORDS)),
        ("town", pa.array(range(48))),
        ("shop", pa.array([1.5] * 48)),
        ("town", pa.array([0] * 48, pa.timestamp("us"))),
        ("since", pa.array(["2021"] * 48, WORDS)),
        ("since", pa.array(range(48))),
    ],
    ids=lambda v: v if isinstance(v, str) else str(v.type),
)
def test_a_column_of_another_kind_is_named_with_an_example(name, values, mixed_spec, mixed_table):
    with pytest.raises(InputError, match=f"column '{name}' was .* now .*for example"):
        mixed_spec.tensorize(changed(mixed_table, name, values))


def test_infinite_values_at_transform_time(mixed_table):
    n = len(mixed_table)
    bad = changed(mixed_table, "age", pa.array([30.0] * (n - 1) + [float("-inf")]))
    with pytest.raises(InputError, match="column 'age', row 48: infinite"):
        TableSpec.learn(mixed_table, TableSettings())[0].tensorize(bad)
    x = TableSpec.learn(mixed_table, TableSettings(infinite="missing", onehot_levels=4))[0].tensorize(bad)
    assert x[-1, 1:3].tolist() == [0.0, 1.0]


def test_whole_numbers_may_come_as_floats_and_the_other_way_round(mixed_spec, mixed_table, mixed_rows):
    table = changed(mixed_table, "red", mixed_table["red"].cast(pa.float64()))
    table = changed(table, "green", mixed_table["green"].cast(pa.bool_()))
    assert torch.equal(mixed_spec.tensorize(table), mixed_rows)


def test_json_and_back(mixed_table, mixed_rows, mixed_spec):
    for kind in ({}, {"numeric": "quantile"}, {"mixing": "raw"}, {"infinite": "missing"}, {"drop": ("age",)}):
        spec, _ = TableSpec.learn(mixed_table, TableSettings(onehot_levels=4, **kind), target="town")
        again = TableSpec.model_validate_json(spec.model_dump_json())
        assert again == spec
        assert torch.equal(again.tensorize(mixed_table), spec.tensorize(mixed_table))
    again = TableSpec.model_validate_json(mixed_spec.model_dump_json(indent=1))
    assert torch.equal(again.tensorize(mixed_table), mixed_rows)


@settings(deadline=None, max_examples=30)
@given(
    names=st.lists(st.text(min_size=0, max_size=12), min_size=1, max_size=4, unique=True),
    values=st.lists(st.floats(-1e9, 1e9) | st.none(), min_size=3, max_size=12),
    levels=st.lists(st.text(max_size=5) | st.none(), min_size=3, max_size=12),
)
def test_any_names_and_values_survive_json(names, values, levels):
    names = [n for n in names if n.isprintable()] or ["a"]
    n = min(len(values), len(levels))
    columns = {f"{name}-{k}": (values[:n] if k % 2 else levels[:n]) for k, name in enumerate(names)}
    table = pa.table(
        {k: pa.array(v, pa.float64() if v is values[:n] else None) for k, v in columns.items()}
        | {"x": [0.5 * k * k for k in range(n)]}
    )
    table = pa.table(
        {
            name: c.cast(WORDS) if pa.types.is_string(c.type) else c.cast(pa.float64())
            for name, c in zip(table.column_names, table.columns)
        }
    )
    spec, _ = TableSpec.learn(table, TableSettings())
    x = spec.tensorize(table)
    assert x.isfinite().all()
    again = TableSpec.model_validate_json(spec.model_dump_json())
    assert again == spec
    assert torch.equal(again.tensorize(table), x)


@pytest.mark.parametrize(
    "change",
    [
        {"format_version": 2},
        {"domain": "image"},
        {"columns": []},
        {"surplus": 1},
        {"columns": [{"kind": "sound", "name": "x"}]},
        {"columns": [{"kind": "numeric", "name": "x"}]},
    ],
    ids=str,
)
def test_a_changed_specification_is_refused(change, mixed_spec):
    with pytest.raises(ValidationError):
        TableSpec.model_validate_json(json.dumps(json.loads(mixed_spec.model_dump_json()) | change))


def test_encoders_are_told_of_groups_and_codes(mixed_spec, facts):
    inputs = mixed_spec.inputs()
    assert inputs.shape == (facts.width,)
    # numbers and dates; the single boolean; the one-hot group; the boolean with gaps; two texts.
    assert inputs.groups == (11, 1, 3, 2, 4, 1)
    assert inputs.codes == ((21, 10),)


def test_covertypes_columns_give_the_published_groups():
    """10 numbers, 4 and 40 one-hot booleans: i-Mix's input list [10, 4, 40]."""
    n, rng = 400, np.random.default_rng(0)
    table = {f"n{k}": rng.normal(size=n) for k in range(10)}
    for name, levels in (("wild", 4), ("soil", 40)):
        level = rng.permutation(np.arange(n) % levels)
        table |= {f"{name}{k}": (level == k).astype(np.int64) for k in range(levels)}
    spec, notes = TableSpec.learn(pa.table(table), TableSettings())
    assert notes == ()
    assert spec.inputs().groups == (10, 4, 40)
    assert spec.inputs().shape == (54,)
    assert {c.group for c in spec.columns if isinstance(c, Boolean)} == {0, 1}
    layout = spec.layout()
    assert layout.units == 12
    assert not layout.has_missing


def test_raw_mixing_lays_every_element_out_alone(mixed_table):
    spec, _ = TableSpec.learn(mixed_table, TableSettings(mixing="raw", onehot_levels=4))
    layout = spec.layout()
    assert layout.units == 22
    assert layout.unit.tolist() == list(range(22))
    assert layout.blend.tolist() == [True] * 21 + [False]
    assert not layout.has_missing


def test_ranges_are_those_of_the_training_rows(mixed_spec, mixed_rows, facts):
    layout = mixed_spec.layout()
    torch.testing.assert_close(layout.low[0], mixed_rows[:, 0].min())
    torch.testing.assert_close(layout.high[0], mixed_rows[:, 0].max())
    seen = mixed_rows[mixed_rows[:, 2] == 0]
    torch.testing.assert_close(layout.low[1], seen[:, 1].min())
    torch.testing.assert_close(layout.high[1], seen[:, 1].max())
    assert (mixed_rows[:, :21] >= layout.low[:21] - 1e-6).all()
    assert (mixed_rows[:, :21] <= layout.high[:21] + 1e-6).all()


def test_portions_do_not_matter_and_rows_are_counted_from_the_first_of_all(
    mixed_spec, mixed_table, mixed_rows, monkeypatch
):
    from contramix.domains.table import spec

    monkeypatch.setattr(spec, "ROWS_AT_ONCE", 7)
    assert torch.equal(mixed_spec.tensorize(mixed_table), mixed_rows)
    income = [1.0] * 30
    income[23] = float("inf")
    broken = changed(mixed_table.slice(0, 30), "income", pa.array(income))
    with pytest.raises(InputError, match=r"column 'income', row 24: infinite"):
        mixed_spec.tensorize(broken)
    with pytest.raises(InputError, match=r"column 'income', row 1024: infinite"):
        mixed_spec.tensorize(broken, first_row=1000)
