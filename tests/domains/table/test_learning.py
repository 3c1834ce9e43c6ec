"""Compare what is learned from each kind of column with statistics computed by hand, and test omitted columns."""

import math
from datetime import datetime, timedelta
from statistics import NormalDist

import numpy as np
import pyarrow as pa
import pytest

from contramix.domains.table.columns.kinds import Boolean, Categorical, DateTime, Numeric
from contramix.domains.table.settings import TableSettings
from contramix.domains.table.spec import TableSpec
from contramix.errors import InputError

WORDS = pa.large_string()


def only(values, **settings):
    """What one column is found to be: a column, or why it is left out."""
    table = pa.table({"c": values, "other": [0.5 * (n % 7) for n in range(len(values))]})
    spec, notes = TableSpec.learn(table, TableSettings(**settings))
    found = [c for c in spec.columns if c.name == "c"]
    if found:
        assert not any("'c'" in note for note in notes)
        return found[0]
    (left,) = [c for c in spec.left_out if c.name == "c"]
    assert any("'c'" in note and left.reason in note for note in notes)
    return left.reason


def encoded(column, values, infinite="error"):
    out = np.zeros((len(values), len(column.elements)), np.float32)
    column.encode(values, out, infinite, first_row=0)
    return out


def words(values):
    return pa.array(values, WORDS)


def test_numbers_are_standardised_by_mean_and_deviation():
    values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]
    column = only(values)
    assert isinstance(column, Numeric)
    assert not column.missing
    assert column.quantiles == ()
    assert (column.mean, column.scale) == (5.0, 2.0)
    assert (column.low, column.high) == (-1.5, 2.0)
    assert encoded(column, pa.array([5.0, 9.0, None, 1.0])).tolist() == [[0.0], [2.0], [0.0], [-2.0]]


def test_missing_numbers_become_the_mean_and_a_flag():
    column = only([1.0, None, 3.0, None])
    assert (column.mean, column.scale, column.missing) == (2.0, 1.0, True)
    assert encoded(column, pa.array([3.0, None])).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert [e.role for e in column.elements] == ["number", "flag"]


def test_whole_numbers_of_64_bits():
    big = 2**53
    column = only(pa.array([big, big + 10**6, big + 5 * 10**6, big + 7 * 10**6], pa.int64()))
    assert isinstance(column, Numeric)
    assert column.mean == big + 3_250_000
    assert column.scale == pytest.approx(1e6 * math.sqrt(8.1875))
    unsigned = only(pa.array([0, 2**63, 5, 9], pa.uint64()))
    assert isinstance(unsigned, Numeric)
    assert unsigned.mean == pytest.approx(2**61, rel=1e-6)
    extreme = only(pa.array([-(2**63), 2**63 - 1, 0, 17], pa.int64()))
    assert np.isfinite(encoded(extreme, pa.array([-(2**63), 2**63 - 1], pa.int64()))).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1.0, 1e15, 1e30])
def test_the_unit_of_a_column_does_not_matter(scale):
    column = only([value * scale for value in (1.0, 2.0, 4.0, 9.0)])
    assert isinstance(column, Numeric)
    want = (np.array([1.0, 2.0, 4.0, 9.0]) - 4) / math.sqrt(9.5)
    np.testing.assert_allclose(
        encoded(column, pa.array([scale, 2 * scale, 4 * scale, 9 * scale]))[:, 0], want, rtol=1e-5
    )


def test_quantiles_give_normal_scores():
    values = [float(n * n) for n in range(101)]
    column = only(values, numeric="quantile")
    assert len(column.quantiles) == 101
    got = encoded(column, pa.array([0.0, 625.0, 2500.0, 5625.0, 1e6, -5.0]))[:, 0].tolist()
    ends = NormalDist().inv_cdf(0.5 / 101)
    want = [ends, NormalDist().inv_cdf(0.25), 0.0, NormalDist().inv_cdf(0.75), -ends, ends]
    assert got == pytest.approx(want, abs=1e-5)
    assert (column.low, column.high) == pytest.approx((ends, -ends), abs=1e-6)


def test_quantiles_put_a_repeated_value_in_the_middle_of_its_share():
    values = [5.0] * 60 + [float(n) for n in range(10, 50)]
    column = only(values, numeric="quantile")
    got = encoded(column, pa.array([5.0]))[0, 0]
    assert got == pytest.approx(NormalDist().inv_cdf(0.3), abs=0.03)


def test_quantiles_resist_an_outlier():
    values = [float(n) for n in range(99)] + [1e12]
    plain, robust = (encoded(only(values, numeric=kind), pa.array(values))[:, 0] for kind in ("standard", "quantile"))
    assert plain[:99].std() < 1e-3
    assert robust[:99].std() > 0.5


@pytest.mark.parametrize(
    "values",
    [
        pa.array([True, False, True, True]),
        pa.array([1, 0, 0, 1]),
        pa.array([1.0, 0.0, 0.0, 1.0]),
        pa.array([1.0, None, 0.0, 1.0]),
    ],
    ids=["bool", "int", "float", "missing"],
)
def test_booleans(values):
    column = only(values)
    assert isinstance(column, Boolean)
    assert column.missing == (values.null_count > 0)
    wanted = [[float(v or 0), *([float(v is None)] if column.missing else [])] for v in values.to_pylist()]
    assert encoded(column, values).tolist() == wanted


def test_a_boolean_that_is_neither_is_an_error_that_names_row_and_value():
    column = only(pa.array([1.0, None, 0.0, 1.0]))
    assert encoded(column, pa.array([0.0, None, 1.0])).tolist() == [[0, 0], [0, 1], [1, 0]]
    with pytest.raises(InputError, match=r"row 2: 2, where"):
        encoded(column, pa.array([1.0, 2.0, 0.5]))


def test_text_of_few_levels_is_one_hot_in_alphabetical_order():
    column = only(words(["b", "a", "c", "a"]))
    assert isinstance(column, Categorical)
    assert column.store == "onehot"
    assert column.levels == ("a", "b", "c")
    got = encoded(column, words(["c", "a", "never seen", None]))
    assert got.tolist() == [[0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_missing_text_has_an_element_of_its_own():
    column = only(words(["b", None, "a"]))
    assert encoded(column, words(["b", None, "zzz"])).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_text_of_many_levels_is_coded():
    values = [f"w{n % 30:02d}" for n in range(120)] + ["once"]
    column = only(words(values), onehot_levels=10)
    assert column.store == "code"
    assert column.code_count == 32
    assert column.levels == tuple(f"w{n:02d}" for n in range(30))
    # 0: never seen, or once; 1: missing; then the levels.
    got = encoded(column, words(["w00", "w29", "once", "never", None]))
    assert got.tolist() == [[2], [31], [0], [0], [1]]
    assert column.missing_at == 0


def test_numbers_may_be_called_levels():
    postcodes = pa.array([n % 4 * 100 + 1000 for n in range(30)], pa.int64())
    column = only(postcodes, categorical=("c",))
    assert isinstance(column, Categorical)
    assert column.levels == ("1000", "1100", "1200", "1300")
    assert encoded(column, pa.array([1100, 999, None], pa.int64())).tolist() == [[0, 1, 0, 0], [0] * 4, [0] * 4]
    assert encoded(column, pa.array([1100.0])).tolist() == [[0, 1, 0, 0]]  # pandas, after a gap
    assert encoded(column, words(["1100"])).tolist() == [[0, 1, 0, 0]]


def test_dates_may_not_be_called_levels():
    with pytest.raises(InputError, match=r"table\.categorical.*'c'"):
        only(pa.array([datetime(2020, 1, 1), datetime(2021, 1, 1)] * 5, pa.timestamp("us")), categorical=("c",))


def test_dates_are_standardised_and_keep_the_cycles_that_vary():
    start = datetime(2020, 3, 2, 6)  # a Monday
    days = [start + timedelta(days=7 * n) for n in range(5)]
    column = only(pa.array(days, pa.timestamp("us")))
    assert isinstance(column, DateTime)
    assert column.cycles == ("year",)
    week = 7 * 86400
    assert column.scale == pytest.approx(week * math.sqrt(2))
    assert (column.low, column.high) == pytest.approx((-math.sqrt(2), math.sqrt(2)))
    got = encoded(column, pa.array([days[2]], pa.timestamp("us")))[0]
    angle = 2 * math.pi * (days[2].timetuple().tm_yday - 1) / 366
    assert got.tolist() == pytest.approx([0.0, math.sin(angle), math.cos(angle)], abs=1e-6)


def test_hours_and_weekdays():
    moments = [datetime(2020, 3, 2) + timedelta(hours=6 * n) for n in range(9)]
    column = only(pa.array(moments, pa.timestamp("us")))
    assert column.cycles == ("year", "week", "day")
    got = encoded(column, pa.array([datetime(2021, 7, 7, 18)], pa.timestamp("us")))[0].tolist()
    week, day = 2 * math.pi * 2.75 / 7, 2 * math.pi * 0.75  # a Wednesday, 18 h; weeks begin on Monday
    assert got[3:] == pytest.approx([math.sin(week), math.cos(week), math.sin(day), math.cos(day)], abs=1e-5)
    before_1970 = encoded(column, pa.array([datetime(1969, 12, 29)], pa.timestamp("us")))[0].tolist()
    assert before_1970[3:] == pytest.approx([0.0, 1.0, 0.0, 1.0], abs=1e-5)  # a Monday, midnight


def test_a_missing_date_is_flagged_and_sits_at_the_mean():
    column = only(pa.array([datetime(2020, 1, 1), None, datetime(2020, 1, 3)], pa.timestamp("us")))
    assert column.missing
    assert encoded(column, pa.array([None], pa.timestamp("us"))).tolist() == [
        [0.0] * (1 + 2 * len(column.cycles)) + [1.0]
    ]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (pa.array([None] * 30, pa.float64()), "empty"),
        (pa.array([None] * 30, WORDS), "empty"),
        (pa.array([7.5] * 30), "constant"),
        (words(["same"] * 30), "constant"),
        (pa.array([True] * 30), "constant"),
        (pa.array(range(100, 130)), "identifier"),
        (pa.array([float(n) for n in range(30)]), "identifier"),
        (words([f"row-{n:04d}" for n in range(60)]), "identifier"),
        (words([f"a long remark of the clerk about case {n}" for n in range(60)]), "free text"),
        (pa.array([float("inf"), float("-inf")] * 15), "infinite"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_columns_that_say_nothing_are_left_out_with_a_note(values, reason):
    assert reason in only(values, infinite="missing")


def test_numbers_called_id_are_an_identifier_though_they_have_gaps():
    values = [n * 17 + n * n for n in range(30)]
    table = pa.table({"customer_id": values, "amount": values, "x": [0.1 * n for n in range(30)]})
    spec, notes = TableSpec.learn(table, TableSettings())
    assert [c.name for c in spec.columns] == ["amount", "x"]
    assert "customer_id" in notes[0]


def test_a_constant_with_gaps_is_kept_for_its_gaps():
    column = only(pa.array([7.5, None] * 15))
    assert isinstance(column, Numeric)
    assert column.missing
    assert column.scale == 1.0
    near = only(pa.array([1e17, 1e17 + 16, None, 1e17] * 8))
    assert near.scale == 1.0  # rounding, not spread
    assert np.isfinite(encoded(near, pa.array([0.0]))).all()


def test_few_rows_have_no_identifiers():
    spec, notes = TableSpec.learn(pa.table({"a": [1, 2, 3], "b": words(["x", "y", "z"])}), TableSettings())
    assert len(spec.columns) == 2
    assert notes == ()


def group_of(table):
    spec, _ = TableSpec.learn(pa.table(table), TableSettings())
    return {c.name: c.group for c in spec.columns if isinstance(c, Boolean)}


def one_hot(n, levels, start=0):
    return [[int((row + start) % levels == level) for row in range(n)] for level in range(levels)]


def test_one_hot_booleans_are_found_by_their_values():
    a, b, c = one_hot(30, 3)
    d, e = ([int(v) for v in row] for row in one_hot(30, 2))
    free = [int(n % 7 < 3) for n in range(30)]
    assert group_of({"a": a, "b": b, "c": c, "d": d, "e": e}) == {"a": 0, "b": 0, "c": 0, "d": 1, "e": 1}
    assert group_of({"free": free, "a": a, "b": b, "c": c}) == {"free": None, "a": 0, "b": 0, "c": 0}
    assert group_of({"a": a, "b": b}) == {"a": None, "b": None}  # some rows have none
    assert group_of({"a": a, "b": b, "c": c, "free": free}) == {"a": 0, "b": 0, "c": 0, "free": None}
    assert group_of({"a": pa.array(a).cast(pa.bool_()), "b": b, "c": pa.array(c, pa.float64())}) == dict.fromkeys(
        "abc", 0
    )


def test_a_boolean_with_gaps_parts_a_group():
    d, e = one_hot(30, 2)
    gaps = [None if n % 5 == 0 else n % 3 == 0 for n in range(30)]
    table = pa.table({"d": d, "gaps": gaps, "e": e})
    spec, _ = TableSpec.learn(table, TableSettings())
    assert all(c.group is None for c in spec.columns)
    assert len(spec.units) == 3


def test_more_than_127_booleans_in_a_group():
    rows = one_hot(300, 150)
    assert set(group_of({f"c{n}": row for n, row in enumerate(rows)}).values()) == {0}


def test_columns_stand_in_canonical_order(mixed_spec):
    assert [c.name for c in mixed_spec.columns] == [
        *("income", "age", "since", "member", "red", "green", "blue", "insured", "town", "shop")
    ]


def test_target_and_dropped_columns_are_no_inputs(mixed_table):
    spec, notes = TableSpec.learn(mixed_table, TableSettings(drop=("age",)), target="town")
    assert {"age", "town"}.isdisjoint(c.name for c in spec.columns)
    assert spec.target == "town"
    assert notes == ()
    assert {"age", "town"} <= spec.known_names


@pytest.mark.parametrize(
    ("settings", "target", "says"),
    [
        ({}, "twon", "target.*'twon'.*'town'"),
        ({"drop": ("agee",)}, None, r"table\.drop.*'agee'.*'age'"),
        ({"categorical": ("x",)}, None, r"table\.categorical.*'x'"),
    ],
)
def test_columns_that_are_named_must_be_there(settings, target, says, mixed_table):
    with pytest.raises(InputError, match=says):
        TableSpec.learn(mixed_table, TableSettings(**settings), target)


def test_tables_without_rows_or_columns_to_learn_from_are_refused():
    with pytest.raises(InputError, match="no rows"):
        TableSpec.learn(pa.table({"a": pa.array([], pa.float64())}), TableSettings())
    with pytest.raises(InputError, match="'a' is constant"):
        TableSpec.learn(pa.table({"a": [1.0, 1.0]}), TableSettings())


def test_infinite_numbers_are_an_error_or_missing():
    values = pa.array([1.0, 2.0, float("inf"), 4.0])
    with pytest.raises(InputError, match=r"column 'c', row 3: infinite.*table\.infinite"):
        only(values)
    column = only(values, infinite="missing")
    assert column.missing
    assert column.mean == pytest.approx(7 / 3)
    assert encoded(column, values, "missing")[2].tolist() == [0.0, 1.0]


def test_numbers_too_large_to_standardise_name_their_column():
    with pytest.raises(InputError, match=r"column 'c'.*1e\+300"):
        only([1e300, -1e300, 1.0, 2.0])
    column = only([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(InputError, match=r"column 'c', row 2: 1e\+300 is too large"):
        encoded(column, pa.array([1.0, 1e300]))


def test_many_columns_left_out_alike_are_one_note():
    table = pa.table(
        {"a": [1.5, 2.0, 4.0], **{f"c{n}": [7, 7, 7] for n in range(9)}, "none": pa.nulls(3, pa.float64())}
    )
    _, notes = TableSpec.learn(table, TableSettings())
    assert notes[0].startswith("9 columns are left out: constant: 'c0', 'c1'")
    assert notes[1:] == ("column 'none' is left out: empty",)
