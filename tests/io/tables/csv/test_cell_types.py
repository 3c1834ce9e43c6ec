"""Test the types of columns of text cells: numbers, identifiers, booleans, dates and missing markers."""

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from contramix.io import options as table_options
from contramix.io.tables.reading import ReadOptions, read


def test_t16_text_in_a_number_column(csv_file, one_line_error):
    lines = ["n,f", *["1,0.5"] * 250_000]
    lines[200_000] = "oops,0.5"
    one_line_error(csv_file("\n".join(lines)), "line 200001", "'n'", "'oops'", "`missing`")
    lines[200_000] = "1,\x1b[2Jbad"
    one_line_error(csv_file("\n".join(lines)), "line 200001", "'f'", "'[2Jbad'")
    lines[200_000] = "gone,0.5"
    column = read(csv_file("\n".join(lines)), ReadOptions(missing=("gone",))).table["n"]
    assert column.type == pa.int64()
    assert column.null_count == 1


def test_t16_text_in_the_sample_makes_text_and_says_so(csv_file):
    records = read(csv_file("n\n" + "5\n" * 50 + "oops\n"))
    table, notes = records.table, records.notes
    assert table.schema.types == [pa.large_string()]
    assert any("'n'" in note and "'oops'" in note for note in notes)


def test_t17_infinities_stay(csv_file, cells):
    assert cells(csv_file("a,b\n1,inf\n2,-Infinity\n3,1e400\n"))["b"] == [np.inf, -np.inf, np.inf]


def test_t18_columns_of_nothing(csv_file):
    table = read(csv_file("a,b\n1,\n2,NA\n")).table
    assert table["b"].type == pa.float64()
    assert table["b"].to_pylist() == [None, None]


def test_t19_missing_markers(csv_file, cells):
    rows = "".join(f"{marker},{marker},7\n" for marker in table_options.MISSING_MARKERS)
    table = read(csv_file(f"n,s,k\n1,x,7\n{rows}")).table
    missing = len(table_options.MISSING_MARKERS)
    assert table["n"].null_count == table["s"].null_count == missing
    assert table["n"].type == pa.int64()
    assert cells(csv_file("s,n\nNA,1\nx,-9\n,2\n"), missing=("-9",)) == {
        "s": ["NA", "x", None],
        "n": [1, None, 2],
    }


def test_t20_identifiers_stay_text(csv_file, cells):
    path = csv_file("zip,long,n,f\n007,12345678901234567890,0,0.5\n12,1,999999999999999,-0.25\n")
    assert cells(path) == {
        "zip": ["007", "12"],
        "long": ["12345678901234567890", "1"],
        "n": [0, 999999999999999],
        "f": [0.5, -0.25],
    }


def test_t21_booleans(csv_file, cells):
    path = csv_file("a,b,c,d\ntrue,yes,0,True\nFALSE,no,1,maybe\nTrue,no,1,false\n,yes,,true\n")
    assert cells(path) == {
        "a": [True, False, True, None],
        "b": ["yes", "no", "no", "yes"],
        "c": [0, 1, 1, None],
        "d": ["True", "maybe", "false", "true"],
    }


def test_t21_late_text_among_booleans_and_dates_makes_text(csv_file):
    table = read(csv_file("b,d,n\n" + "true,2020-01-01,1\n" * 100_000 + "maybe,01.02.2020,1\n")).table
    assert table.schema.types == [pa.large_string(), pa.large_string(), pa.int64()]


def test_a_column_empty_in_the_sample_is_typed_by_the_rest(csv_file):
    table = read(csv_file("late,n\n" + ",1\n" * 600_000 + "5,1\n")).table
    assert table["late"].type == pa.int64()
    assert table["late"][-1].as_py() == 5


def test_t22_dates(csv_file, cells):
    day = dt.datetime(2020, 12, 31)
    for text in ("2020-12-31", "2020/12/31", "31/12/2020", "12/31/2020", "31.12.2020", "12-31-2020"):
        column = read(csv_file(f"d,n\n{text},1\n?,2\n")).table["d"]
        assert column.type == pa.timestamp("us")
        assert column.to_pylist() == [day, None], text
    times = csv_file("t\n2020-12-31 10:20:30.5\n2020-12-31T10:20:30\n2020-12-31 01:02:03.123456789\n")
    assert cells(times)["t"][2] == dt.datetime(2020, 12, 31, 1, 2, 3, 123456)
    assert cells(csv_file("t\n2020-12-31T10:00:00Z\n2020-12-31T10:00:00+02:00\n"))["t"] == [
        dt.datetime(2020, 12, 31, 10),
        dt.datetime(2020, 12, 31, 8),
    ]


@pytest.mark.parametrize(
    "dates",
    [
        ["2020-12-31", "31/12/2020"],  # two formats
        ["31/12/2020", "12/31/2020"],  # neither order reads both
        ["01/02/2020", "03/04/2020"],  # both orders do
        ["31/02/2020", "15/03/2020"],  # no such day
        ["31/12-2020", "30/12-2020"],
    ],
)
def test_t22_dates_that_are_unclear_stay_text(csv_file, dates):
    records = read(csv_file("d\n" + "\n".join(dates) + "\n"))
    table, notes = records.table, records.notes
    assert table["d"].to_pylist() == dates
    assert any("'d'" in note and "YYYY-MM-DD" in note for note in notes)


def test_white_space_around_cells_is_seen_by_their_ends():
    from contramix.io.tables.csv.cell_types import may_have_padding

    spaces = [" ", "\t", "\n", "\x0b", "\u00a0", "\u2003", "\u3000"]
    for cell in ["a", "a b", "", *(pad + "a" for pad in spaces), *("a" + pad for pad in spaces), *spaces]:
        cells = pa.chunked_array([["xy", None, cell, "z"], ["q"]], pa.large_string())
        assert may_have_padding(cells) == (cell != cell.strip())
        assert not may_have_padding(cells.slice(3))
