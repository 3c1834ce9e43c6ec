"""Test delimited files: rows, quotes, line ends, and long rows and cells."""

import csv
import random

import pyarrow as pa
import pytest

from contramix.errors import InputError
from contramix.io.tables.csv import reading
from contramix.io.tables.reading import read


def test_t02_header_only(csv_file, one_line_error, cells):
    one_line_error(csv_file("a,b,c\n"), "no rows", "`header=False`")
    assert "`header=False`" not in one_line_error(csv_file("a,b,c\n"), "no rows", header=True)
    assert cells(csv_file("1,2,x\n"), header=False) == {"column_1": [1], "column_2": [2], "column_3": ["x"]}


def test_quotes_as_in_rfc_4180(csv_file, cells):
    path = csv_file('a,b\r\n"x, ""y""","line 1\r\nline 2"\r\n5" pipe,z\r\n')
    assert cells(path) == {"a": ['x, "y"', '5" pipe'], "b": ["line 1\r\nline 2", "z"]}


def test_a_space_before_a_quote(csv_file, one_line_error):
    one_line_error(csv_file('a, b\n1, "x"\n2, "y"\n'), "space", "quote")


def test_spaces_around_cells_are_stripped(csv_file, cells):
    path = csv_file("n, f , s\n 1 , 2.5 ,  x y \n 2, ? , ? \n")
    assert cells(path) == {"n": [1, 2], "f": [2.5, None], "s": ["x y", None]}


def test_t14_carriage_returns_alone(csv_file, one_line_error, cells):
    assert cells(csv_file("a,b\r1,x\r2,y\r")) == {"a": [1, 2], "b": ["x", "y"]}
    one_line_error(csv_file("a,b\r1,x\r2\r"), "line 3")


def test_t23_a_cell_of_three_megabytes(csv_file):
    for lines in ("a,b\n1,{}\n2,y\n", "a,b\n2,y\n1,{}\n3,z\n", "a,b\n" + "2,y\n" * 300_000 + "1,{}\n"):
        column = read(csv_file(lines.format("x" * 3_000_000))).table["b"]
        assert max(len(cell) for cell in column.to_pylist()) == 3_000_000
    assert csv.field_size_limit() == 131072  # Python's own, for the whole process, is put back


def test_t23_a_row_longer_than_the_limit(csv_file, monkeypatch, one_line_error):
    monkeypatch.setattr(reading, "MAX_ROW_BYTES", 1 << 21)
    one_line_error(csv_file("a,b\n1,x\n2," + "x" * 6_000_000 + "\n3,y\n"), "longer than 2 MiB")


def test_whole_numbers_with_a_fraction_far_down_are_floats(csv_file):
    table = read(csv_file("n,m\n" + "3,4\n" * 400_000 + "0.5,4\n")).table
    assert table.schema.types == [pa.float64(), pa.int64()]


def test_floats_are_exact(csv_file, cells):
    values = [random.Random(i).gauss(0, 10 ** (i % 40 - 20)) for i in range(500)]
    assert cells(csv_file("x\n" + "".join(f"{v!r}\n" for v in values)))["x"] == values


def test_whole_numbers_are_whole_to_the_end_of_int64(csv_file):
    start = "n\n" + "123456789012\n" * 90_000  # numbers to be found after the sample
    assert read(csv_file(start + "-5\n")).table.schema.types == [pa.int64()]
    with pytest.raises(InputError, match=r"line 90002, column 'n': '0x1F' is not a number"):
        read(csv_file(start + "0x1F\n"))
    assert read(csv_file(start + " 007 \n")).table["n"][-1].as_py() == 7
    for odd in ("0.5", "nan", "1e300", "inf"):
        kind = pa.large_string() if odd == "1e300" else pa.float64()
        if odd != "nan":  # a missing marker
            assert read(csv_file(start + odd + "\n")).table.schema.types == [kind], odd
    assert read(csv_file(start + "9223372036854775808\n")).table.schema.types == [pa.large_string()]


def test_t20_long_identifiers_that_come_late(csv_file):
    far = "id,n\n" + "".join(f"{i},1\n" for i in range(300_000)) + "12345678901234567891,2\n"
    records = read(csv_file(far))
    table, notes = records.table, records.notes
    assert table["id"].type == pa.large_string()
    assert table["id"][-1].as_py() == "12345678901234567891"
    assert any("'id'" in note for note in notes)
