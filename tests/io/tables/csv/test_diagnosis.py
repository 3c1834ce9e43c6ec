"""Test that the first fault of a delimited file is reported with its line."""

import pytest

from contramix.io.tables.reading import ReadOptions, read


def test_t05_short_row(csv_file, one_line_error):
    path = csv_file("a,b,c\n1,2,3\n\n4,5\n6,7,8\n")
    one_line_error(path, "line 4", "2 cells", "header has 3", "`on_bad_rows='skip'`")
    records = read(path, ReadOptions(on_bad_rows="skip"))
    table, notes = records.table, records.notes
    assert table.to_pydict() == {"a": [1, 6], "b": [2, 7], "c": [3, 8]}
    assert any("1 bad rows skipped" in note for note in notes)


def test_t05_short_row_after_cells_of_several_lines(csv_file, one_line_error):
    one_line_error(csv_file('a,b\n1,"x\ny"\n2\n'), "line 4", "1 cell,")


def test_t05_short_row_far_down(csv_file, one_line_error):
    lines = ["a,b,c"] + ["1,2,3"] * 300_000
    lines[250_000] = "1,2"
    one_line_error(csv_file("\n".join(lines)), "line 250001")


def test_t06_long_row(csv_file, one_line_error, cells):
    path = csv_file("a,b\n1,2\n3,4,5\n6,7\n")
    one_line_error(path, "line 3", "3 cells")
    assert cells(path, on_bad_rows="skip") == {"a": [1, 6], "b": [2, 7]}
    one_line_error(csv_file("a,b\n1,2,3\n"), "no rows left", "1 were skipped", on_bad_rows="skip", delimiter=",")


def test_t07_unclosed_quote(csv_file, one_line_error):
    one_line_error(csv_file('a,b\n1,x\n2,"y\n3,z\n'), "line 3", "never closed")
    one_line_error(csv_file('a,b\n1,x\n2,"y'), "line 3", "never closed")
    one_line_error(csv_file('a,b\n1,"x\n2,"y\n3,z\n'), "line 2", "quote")  # closed again, elsewhere
    far = "a,b\n" + "1,x\n" * 400_000 + '2,"y\n' + "3,z\n" * 10
    one_line_error(csv_file(far), "line 400002", "never closed")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_t11_latin1(csv_file, end, one_line_error, cells):
    path = csv_file(end.join(["city,n", "Rome,1", "Orléans,2", "Köln,3"]).encode("latin-1"))
    one_line_error(path, "line 3", "0xe9", "`encoding='cp1252'`", "latin-1")
    assert cells(path, encoding="latin-1") == {"city": ["Rome", "Orléans", "Köln"], "n": [1, 2, 3]}


def test_t11_latin1_far_down_and_in_a_number(csv_file, one_line_error):
    far = b"a,b\n" + b"1,x\n" * 400_000
    one_line_error(csv_file(far + b"2,\xe9\n"), "line 400002", "`encoding")
    one_line_error(csv_file(far + b"\xe9,x\n"), "line 400002", "`encoding")


def test_wrong_encoding_named(csv_file, one_line_error):
    one_line_error(csv_file(b"a,b\n1,\x81\n"), "cp1252", "`encoding", encoding="cp1252")


def test_t15_nul_bytes(csv_file, one_line_error):
    one_line_error(csv_file(b"a,b\n1,x\x00y\n"), "line 2", "NUL")
    one_line_error(csv_file(b"a,b\n" + b"1,x\n" * 400_000 + b"2,\0\n"), "line 400002", "NUL")
