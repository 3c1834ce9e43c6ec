"""Test time series in long and wide tables, in any order and with gaps, against series written by hand."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from contramix.domains import DOMAINS
from contramix.domains.series.reading import read
from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.values import from_values
from contramix.errors import InputError
from contramix.io.options import ReadOptions

LONG = SeriesSettings(id="who", time="when")
TABLE = """who,when,x,y,label,mood
b,3,30,3,yes,good
a,1,1,10,no,good
b,1,10,1,yes,bad
a,2,2,20,no,bad
b,2,,2,yes,good
"""


def csv(folder, text: str):
    path = folder / "steps.csv"
    path.write_text(text)
    return path


def rows(table) -> list[list]:
    return [np.array(one, np.float32).T.tolist() for one in table.column("series").to_pylist()]


def test_long_rows_in_any_order(tmp_path):
    reading = read(csv(tmp_path, TABLE), ReadOptions(), LONG)
    assert reading.table.column("who").to_pylist() == ["b", "a"]
    assert reading.table.column("label").to_pylist() == ["yes", "no"]
    assert rows(reading.table) == [[[10, 20, 30], [1, 2, 3]], [[1, 2], [10, 20]]]
    assert reading.table.column_names == ["series", "who", "label"]
    assert reading.notes == (
        "each row is a step; the channels are the columns x, y",
        "the steps of 1 series are not in order of time; they are sorted",
        "left out, as they change within a series and are not numeric: mood",
        "1 missing values in 1 series are filled by linear interpolation",
    )


def test_gaps_are_filled_in_time():
    table = pa.table({"who": [1] * 4, "when": [0, 1, 9, 10], "x": [0.0, None, None, 10.0]})
    assert rows(from_values(table, LONG).table) == [[[0, 1, 9, 10]]]
    days = [datetime.datetime(2020, 1, day) for day in (1, 2, 10, 11)]
    assert rows(from_values(table.set_column(1, "when", pa.array(days)), LONG).table) == [[[0, 1, 9, 10]]]


def test_times_are_compared_exactly():
    """Nanoseconds since 1970 are told apart only as whole numbers: float64 has steps of 256 of them."""
    now = 1_700_000_000_000_000_000
    table = pa.table({"who": [1, 1, 1], "when": [now + 2, now + 1, now], "x": [2.0, 1.0, 0.0]})
    assert rows(from_values(table, LONG).table) == [[[0, 1, 2]]]


def test_without_time_rows_stand_in_their_order():
    table = pa.table({"who": [1, 2, 1], "x": [3.0, 5.0, 1.0]})
    assert rows(from_values(table, SeriesSettings(id="who")).table) == [[[3, 1]], [[5]]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("b,2,", "b,3,"), "rows 1 and 5 are the same step of series 'b': leave one out"),
        (("a,2,", "a,,"), "row 4: 'when' is missing"),
        (("b,1,10", ",1,10"), "row 3: 'who' is missing"),
        (("b,1,10", "b,1,inf"), "series b, channel 1, step 1: the value is infinite"),
        (("b,1,10", "b,1,1e300"), "series b, channel 1, step 1: the value is 1e+300, beyond what float32 holds"),
        (("who", "name"), "there is no column 'who'"),
        (("a,1", "a,soon"), "times must be numbers or dates, not text"),
    ],
)
def test_what_is_wrong_with_a_long_table(tmp_path, change, said):
    with pytest.raises(InputError) as caught:
        read(csv(tmp_path, TABLE.replace(*change)), ReadOptions(), LONG)
    assert said in str(caught.value)
    assert "steps.csv" in str(caught.value)


def test_a_series_without_values_is_left_out_and_named():
    table = pa.table({"who": ["a", "a", "b", "b"], "when": [1, 2, 1, 2], "x": [1.0, 2.0, None, None]})
    reading = from_values_of_a_file(table)
    assert reading.table.column("who").to_pylist() == ["a"]
    assert [tuple(bad) for bad in reading.bad_files] == [("series b", "has no values")]
    with pytest.raises(InputError, match="frame: series b: has no values"):
        from_values(table, LONG)


def from_values_of_a_file(table):
    from contramix.domains.series.tables import from_table

    return from_table(table, "x.csv", ReadOptions(), LONG)


def test_a_target_is_no_channel(tmp_path):
    text = "who,when,x,y\na,1,1,7\na,2,2,7\nb,1,3,8\nb,2,4,8\n"
    reading = read(csv(tmp_path, text), ReadOptions(target="y"), LONG)
    assert rows(reading.table) == [[[1, 2]], [[3, 4]]]
    assert reading.table.column("y").to_pylist() == [7, 8]
    with pytest.raises(InputError, match="`target` 'x' is not the same throughout each series"):
        read(csv(tmp_path, text), ReadOptions(target="x"), LONG)


def test_wide_rows(tmp_path):
    path = csv(tmp_path, "name,t0,t1,t2,y\nu,1,2,3,0\nv,4,,6,1\nw,7,8,,1\n")
    reading = read(path, ReadOptions(target="y"), SeriesSettings())
    assert rows(reading.table) == [[[1, 2, 3]], [[4, 5, 6]], [[7, 8]]]
    assert reading.table.column_names == ["series", "name", "y"]
    assert reading.notes == (
        "each row is a series of 3 steps, the columns t0, t1, t2",
        "1 series lack values at the last steps, which are removed as padding",
        "1 missing values in 1 series are filled by linear interpolation",
    )


def test_a_model_finds_its_columns_by_name(tmp_path):
    series = DOMAINS["series"]
    settings = SeriesSettings()
    trained = read(csv(tmp_path, "t0,t1,y\n1,2,0\n3,5,1\n"), ReadOptions(target="y"), settings)
    spec, _ = series.spec.learn(trained.training, settings, "y")
    assert spec.columns == ("t0", "t1")
    assert type(spec).model_validate_json(spec.model_dump_json()) == spec
    other = read(csv(tmp_path, "z,t1,t0\n9,2,1\n"), ReadOptions(), settings, spec)
    assert rows(other.table) == [[[1, 2]]]
    assert other.table.column_names == ["series", "z"]
    with pytest.raises(InputError, match="there is no column 't1'"):
        read(csv(tmp_path, "t0,z\n1,2\n"), ReadOptions(), settings, spec)
    with pytest.raises(InputError, match="column 't1' is not numeric"):
        read(csv(tmp_path, "t0,t1\n1,high\n"), ReadOptions(), settings, spec)


def test_tables_that_hold_no_series(tmp_path):
    with pytest.raises(InputError, match="no numeric columns, which would be the steps"):
        read(csv(tmp_path, "a,b\nx,y\n"), ReadOptions(), SeriesSettings())
    with pytest.raises(InputError, match="no numeric columns that change within a series"):
        read(csv(tmp_path, "who,when,x\na,1,3\nb,1,4\n"), ReadOptions(), LONG)
    with pytest.raises(InputError, match="rename the column 'series'"):
        read(csv(tmp_path, "series,x\n1,2\n"), ReadOptions(), SeriesSettings())


def test_time_needs_id():
    with pytest.raises(ValueError, match="time needs id"):
        SeriesSettings(time="when")
