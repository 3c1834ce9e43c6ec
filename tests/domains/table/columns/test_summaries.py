"""Test that columns read in chunks are summarized like columns read at once."""

import math
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contramix.domains.table.columns import summaries
from contramix.domains.table.columns.boolean import OneHotRuns
from contramix.domains.table.columns.running_statistics import RunningStatistics
from contramix.domains.table.learning import OneHotFinder, TableLearner
from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.errors import InputError

WORDS = pa.large_string()


def by_portions(table, size, how=TableSettings(), target=None, sample=None):
    """As a cache does it: what the columns are, then which of them are finder."""
    learner = TableLearner(table.schema, how, target)
    for start in range(0, table.num_rows, size):
        part = table.slice(start, size)
        learner.update(part, None if sample is None else sample[(sample >= start) & (sample < start + size)] - start)
    spec, notes = TableSpec.from_learner(learner)
    finder = OneHotFinder(spec.columns)
    for start in range(0, table.num_rows, size):
        x = spec.tensorize(table.slice(start, size)).numpy()
        finder.update([x[:, at] for at in finder.elements])
    return spec.model_copy(update={"columns": finder.finish()}), notes


def at_once(table, size):
    return TableSpec.learn(table, TableSettings())


def assert_alike(mine, theirs):
    """Equal but for the last digits of numbers."""
    a, b = mine.model_dump(), theirs.model_dump()
    assert list(a) == list(b)
    for one, other in zip(a.pop("columns"), b.pop("columns"), strict=True):
        numbers = ("mean", "scale", "low", "high", "quantiles")
        for name in set(numbers) & set(one):
            assert one.pop(name) == pytest.approx(other.pop(name), rel=1e-9, abs=1e-9)
        assert one == other
    assert a == b


def rows_of_all_kinds(rows=300):
    draw = np.random.default_rng(0)
    day = datetime(2021, 1, 30)
    return pa.table(
        {
            "id": np.arange(rows) + 5,
            "shuffled": draw.permutation(rows),
            "user_id": np.arange(rows) * 3,
            "key": pa.array([f"k{n}" for n in range(rows)], WORDS),
            "prose": pa.array([f"row {n} is a long text" for n in range(rows)], WORDS),
            "large": 1e5 + draw.normal(size=rows),
            "small": draw.normal(size=rows) ** 3,
            "gaps": pa.array([None if n % 3 else float(n * n) for n in range(rows)]),
            "late": pa.array([None] * (rows - 20) + [1.5 * n for n in range(20)]),
            "turns": [int(n % 2) if n < rows - 7 else 2 for n in range(rows)],
            "constant": [7] * rows,
            "first": [1] * (rows - 1) + [0],
            "same": [3] * (rows - 1) + [None],
            "empty": pa.array([None] * rows, pa.float64()),
            "red": [int(n % 3 == 0) for n in range(rows)],
            "green": [int(n % 3 == 1) for n in range(rows)],
            "blue": [int(n % 3 == 2) for n in range(rows)],
            "member": pa.array([n % 5 < 2 for n in range(rows)]),
            "gone": pa.array([None if n == rows - 1 else n % 4 == 0 for n in range(rows)]),
            "town": pa.array(["abc"[n * 7 % 3] if n % 11 else None for n in range(rows)], WORDS),
            "shop": pa.array([f"s{n % 50}" for n in range(rows - 1)] + ["once"], WORDS),
            "since": pa.array([day + timedelta(days=n) for n in range(rows)], pa.timestamp("us")),
            "code": [n % 6 for n in range(rows)],
        }
    )


@pytest.mark.parametrize(
    ("size", "how"),
    [(299, {}), (100, {"numeric": "quantile", "categorical": ("code",)}), (23, {})],
    ids=["299", "100-quantile", "23"],
)
def test_portions_of_any_size_find_the_same(size, how):
    table, how = rows_of_all_kinds(), TableSettings(**how)
    spec, notes = TableSpec.learn(table, how, "turns")
    got, said = by_portions(table, size, how, "turns")
    assert_alike(got, spec)
    assert said == notes
    assert {c.name for c in spec.left_out} == {"id", "shuffled", "user_id", "key", "prose", "constant", "empty"}


NUMBERS = st.one_of(st.sampled_from([0.0, 1.0, 2.0, 1e8]), st.floats(-1e6, 1e6, width=32))


def outcome(call, table, size):
    try:
        return call(table, size)
    except InputError as error:
        return None, str(error)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.none() | NUMBERS, st.none() | st.sampled_from("abcdef"), NUMBERS), min_size=1), st.data())
def test_any_table_in_any_portions(rows, data):
    names = ("a", "b", "c")
    columns = (pa.array(cells, WORDS if n == 1 else pa.float64()) for n, cells in enumerate(zip(*rows)))
    table = pa.table(dict(zip(names, columns)))
    size = data.draw(st.integers(1, len(rows)))
    spec, notes, got, said = (found for call in (at_once, by_portions) for found in outcome(call, table, size))
    assert said == notes
    if spec is None:
        assert got is None
        return
    assert [c.kind for c in got.columns] == [c.kind for c in spec.columns]
    for mine, theirs in zip(got.columns, spec.columns):
        if mine.kind == "numeric":
            whole = np.array([v for v in table[mine.name].to_pylist() if v is not None])
            assert mine.mean == pytest.approx(math.fsum(whole) / len(whole), rel=1e-9, abs=1e-9)
            assert mine.scale == pytest.approx(theirs.scale, rel=1e-6)
        else:
            assert mine == theirs


def test_moments_of_portions_are_those_of_all():
    numbers = 1e6 + np.random.default_rng(1).normal(size=1000)
    found = RunningStatistics()
    for part in np.split(numbers, [1, 2, 500, 997]):
        found = found.update(part)
    mean = math.fsum(numbers) / 1000
    assert found.mean == pytest.approx(mean, rel=1e-15)
    assert found.std == pytest.approx(math.sqrt(math.fsum((numbers - mean) ** 2) / 1000), rel=1e-9)
    assert (found.count, found.low, found.high) == (1000, numbers.min(), numbers.max())


def test_quantiles_of_a_sample_hold_the_extremes():
    numbers = np.random.default_rng(2).normal(size=20_000)
    table = pa.table({"a": numbers, "b": numbers**2})
    how, sample = TableSettings(numeric="quantile"), np.arange(0, 20_000, 5)
    (got, _), _ = (
        spec.columns for spec in (by_portions(table, 777, how, sample=sample)[0], TableSpec.learn(table, how)[0])
    )
    assert (got.quantiles[0], got.quantiles[-1]) == (numbers.min(), numbers.max())
    want = np.quantile(numbers, np.linspace(0, 1, 1000))
    np.testing.assert_allclose(got.quantiles[50:-50], want[50:-50], atol=0.1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=12), st.integers(1, 12))
def test_groups_hold_exactly_once_in_every_row(rows, size):
    held, places = np.array(rows, np.int8), [2, 3, 4, 6, 7]
    found = OneHotRuns(places)
    for start in range(0, len(held), size):
        found.update(list(held[start : start + size].T))
    # By hand: from left to right, of the runs that end at a column the longest in which no row holds twice.
    want, free = [], 0
    for n in range(5):
        runs = [
            s for s in range(free, n + 1) if places[n] - places[s] == n - s and (held[:, s : n + 1].sum(1) <= 1).all()
        ]
        if runs and (held[:, runs[0] : n + 1].sum(1) == 1).all():
            want.append(range(places[runs[0]], places[n] + 1))
            free = n + 1
    assert found.finish() == want


def test_more_levels_than_are_kept_are_judged_by_the_rows_until_then(monkeypatch):
    monkeypatch.setattr(summaries, "MAX_VALUES", 64)
    rows = 4000
    frequent = [f"common {n % 40}" if n % 2 else f"rare {n}" for n in range(rows)]
    table = pa.table(
        {
            "url": pa.array([f"u{n}" for n in range(rows)], WORDS),
            "mixed": pa.array(frequent, WORDS),
            "number": np.random.default_rng(0).permutation(rows) + 10,
            "value": np.random.default_rng(0).normal(size=rows),
        }
    )
    spec, _ = by_portions(table, 100)
    reasons = {c.name: c.reason for c in spec.left_out}
    assert reasons["url"].startswith("an identifier")
    assert reasons["number"].startswith("an identifier")
    mixed = next(c for c in spec.columns if c.name == "mixed")
    assert mixed.store == "code"
    assert set(mixed.levels) == {f"common {n}" for n in range(1, 40, 2)}


def test_an_infinite_value_is_named_by_its_row_in_the_whole_table():
    table = pa.table({"a": [0.5 * n for n in range(50)] + [math.inf], "b": [float(n % 7) for n in range(51)]})
    with pytest.raises(InputError, match="column 'a', row 51: infinite"):
        by_portions(table, 8)
    spec, _ = by_portions(table, 8, TableSettings(infinite="missing"))
    assert_alike(spec, TableSpec.learn(table, TableSettings(infinite="missing"))[0])
