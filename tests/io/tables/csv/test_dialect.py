"""Test the dialect of a delimited file: delimiter, decimal mark, header, names and encoding."""

import codecs

import pyarrow as pa
import pytest

from contramix.io.tables.reading import read


def test_t03_duplicate_names(csv_file, one_line_error):
    one_line_error(csv_file("a,b,a,b,c\n1,2,3,4,5\n"), "duplicate", "'a', 'b'")


def test_t04_blank_names(csv_file):
    records = read(csv_file(",b, \n1,2,x\n3,4,y\n"))
    table, notes = records.table, records.notes
    assert table.column_names == ["column_1", "b", "column_3"]
    assert any("column_1, column_3" in note for note in notes)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters_are_found(csv_file, mark, cells):
    path = csv_file(f"a{mark}b\n1{mark}x y\n2{mark}z\n")
    assert cells(path) == {"a": [1, 2], "b": ["x y", "z"]}
    assert bool(read(path).notes) == (mark != ",")


def test_delimiter_by_option(csv_file, cells):
    assert cells(csv_file("a:b\n1:2\n"), delimiter=":") == {"a": [1], "b": [2]}
    assert cells(csv_file("a\tb\n1\t2\n"), delimiter="\\t") == {"a": [1], "b": [2]}


def test_ambiguous_delimiter(csv_file, one_line_error, cells):
    path = csv_file("a,b;c\n1,x;3\n2,y;4\n")
    one_line_error(path, "ambiguous", "','", "';'", "`delimiter`")
    assert cells(path, delimiter=";") == {"a,b": ["1,x", "2,y"], "c": [3, 4]}


def test_the_delimiter_that_cuts_more_lines_alike_wins(csv_file, one_line_error, cells):
    assert cells(csv_file("a;b\n1;x, y\n2;u, v\n3;w, z\n4;k\n"))["b"] == ["x, y", "u, v", "w, z", "k"]
    one_line_error(csv_file("a,b,c\n1,2,3\n4,5\n"), "line 3")


def test_a_quoted_cell_across_the_end_of_the_sample(csv_file):
    content = "n,s,m\n" + "".join(f'{i},"x\n\ny\n\n{i}",{i}.5\n' for i in range(80_000))
    table = read(csv_file(content)).table
    assert table.schema.types == [pa.int64(), pa.large_string(), pa.float64()]
    assert table["m"].to_pylist() == [i + 0.5 for i in range(80_000)]


def test_one_column_without_a_delimiter(csv_file):
    records = read(csv_file("text\nhello\nno, you\nbye\nand so on\n"))
    table, notes = records.table, records.notes
    assert table.to_pydict() == {"text": ["hello", "no, you", "bye", "and so on"]}
    assert any("one column" in note and "`delimiter`" in note for note in notes)


def test_t08_decimal_comma(csv_file, one_line_error, cells):
    path = csv_file("a;b;c\n1,5;x;7\n-2;y;8\n3,25;z;9\n")
    one_line_error(path, "'a'", "`decimal=','`")
    assert cells(path, decimal=",") == {"a": [1.5, -2.0, 3.25], "b": ["x", "y", "z"], "c": [7, 8, 9]}
    assert cells(path, decimal=".")["a"] == ["1,5", "-2", "3,25"]


def test_t08_point_in_a_file_of_decimal_commas_is_not_a_number(csv_file, cells):
    assert cells(csv_file("a;b\n1.5;x\n2,5;y\n"), decimal=",")["a"] == ["1.5", "2,5"]


def test_no_header_is_found_out(csv_file, cells):
    records = read(csv_file("5,x,?\n6,y,2.5\n7,z,3\n"))
    table, notes = records.table, records.notes
    assert table.to_pydict() == {
        "column_1": [5, 6, 7],
        "column_2": ["x", "y", "z"],
        "column_3": [None, 2.5, 3.0],
    }
    assert "no header" in notes[0]
    assert "column_3" in notes[0]
    assert cells(csv_file("5,x\n6,y\n"), header=True) == {"5": [6], "x": ["y"]}


def test_a_header_is_found_out(csv_file, cells):
    assert cells(csv_file("a,2020\n1,5\n")) == {"a": [1], "2020": [5]}
    assert cells(csv_file("a,b\nx,y\n")) == {"a": ["x"], "b": ["y"]}
    assert cells(csv_file("a,b\nx,y\n"), header=False) == {"column_1": ["a", "x"], "column_2": ["b", "y"]}


def test_t09_utf8_mark(csv_file, cells):
    path = csv_file(codecs.BOM_UTF8 + "a,ö\n1,ü\n2,x\n".encode())
    assert cells(path) == {"a": [1, 2], "ö": ["ü", "x"]}
    assert cells(path, encoding="utf-8") == cells(path)
    assert cells(csv_file(codecs.BOM_UTF8 + b"1,x\n2,y\n")) == {"column_1": [1, 2], "column_2": ["x", "y"]}


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be"])
def test_t10_utf16(csv_file, name, one_line_error, cells):
    path = csv_file("city,n\nKöln,1\nŁódź,2\n".encode(name))
    one_line_error(path, "UTF-16", f"`encoding={name!r}`")
    assert cells(path, encoding=name) == {"city": ["Köln", "Łódź"], "n": [1, 2]}


def test_the_decimal_mark_is_no_delimiter(csv_file, one_line_error, cells):
    path = csv_file("1,5;2,5\n3,5;4,5\n")
    one_line_error(path, "ambiguous")
    assert cells(path, decimal=",") == {"column_1": [1.5, 3.5], "column_2": [2.5, 4.5]}
