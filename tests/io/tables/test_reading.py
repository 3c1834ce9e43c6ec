"""Tables in files: what is found out, and one line for everything that is wrong (rows T1 to T31)."""

import codecs
import csv
import datetime as dt
import gzip
import io
import os
import pickle
import random
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from contramix.errors import InputError
from contramix.io import options as table_options
from contramix.io.tables.csv import reading
from contramix.io.tables.reading import ReadOptions, read

REAL = Path(__file__).parents[3].parent / "shared" / "data"
NUMBERS = "a,b\n" + "".join(f"{i},{i}.5\n" for i in range(100))


def both(*how):
    reading = read(*how)
    return reading.table, reading.notes


def written(folder, content, name="table.csv"):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.fixture
def csv_file(tmp_path):
    return lambda content, name="table.csv": written(tmp_path, content, name)


def one_line_error(path, *words, **options):
    """The error is one printable line that names the file, and holds the words."""
    with pytest.raises(InputError) as caught:
        read(path, ReadOptions(**options))
    message = str(caught.value)
    assert message.isprintable()
    assert table_options.printable(path) in message
    for word in words:
        assert word in message, message
    return message


def cells(path, **options):
    return read(path, ReadOptions(**options)).table.to_pydict()


# ---------------------------------------------------------------- real files


def real(name):
    path = REAL / name
    if not path.exists():
        pytest.skip(f"needs the real file {name} in a folder shared/data beside the repository")
    return path


def test_real_adult():
    path = real("adult/adult.data.csv.gz")
    table, notes = both(path)
    assert table.shape == (32561, 15)
    assert [str(t) for t in table.schema.types].count("int64") == 6
    assert "no header" in notes[0]
    assert "--header" in notes[0]
    # an independent reader of the same file
    want = pd.read_csv(path, header=None, skipinitialspace=True, na_values="?")
    for name, column in zip(table.column_names, want.columns, strict=True):
        missing = want[column].isna()
        assert table[name].null_count == missing.sum(), name
        assert table[name].drop_null().to_pylist() == want[column][~missing].tolist(), name


@pytest.mark.parametrize(
    ("name", "shape", "found"),
    [
        ("bank_marketing/bank-full.csv.gz", (45211, 17), "';'"),
        ("california_housing/housing.csv.gz", (20640, 10), None),
        ("covtype/covtype.train15120.data.gz", (15120, 55), "no header"),
        ("credit_default/UCI_Credit_Card.csv.gz", (30000, 24), None),
    ],
)
def test_real_files(name, shape, found):
    table, notes = both(real(name))
    assert table.shape == shape
    assert (found in notes[0]) if found else not notes
    want = pd.read_csv(real(name), sep=None, engine="python", header=None if found == "no header" else 0)
    assert [c.null_count for c in table.columns] == want.isna().sum().tolist()
    for column, series in zip(table.columns, want.items(), strict=True):
        assert column.drop_null().to_pylist() == series[1].dropna().tolist(), series[0]


# ---------------------------------------------------------------- no table at all


def test_missing_file(tmp_path):
    written(tmp_path, NUMBERS, "customers.csv")
    one_line_error(tmp_path / "custmers.csv", "no such file", "did you mean customers.csv")
    assert "did you mean" not in one_line_error(tmp_path / "zzz.parquet", "no such file")
    one_line_error(tmp_path / "no" / "x.csv", "no such file", "folder")


def test_folder(tmp_path):
    one_line_error(tmp_path, "is a folder")


def test_not_a_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    one_line_error(tmp_path / "pipe", "not a regular file")
    os.symlink(tmp_path / "loop", tmp_path / "loop")
    one_line_error(tmp_path / "loop", "cannot be opened")


def test_t01_empty_file(csv_file):
    one_line_error(csv_file(b""), "empty file")
    one_line_error(csv_file(gzip.compress(b"")), "empty file")
    one_line_error(csv_file("\n\n\r\n"), "empty file")
    one_line_error(csv_file(b"", "x.parquet"), "empty file")


def test_t02_header_only(csv_file):
    one_line_error(csv_file("a,b,c\n"), "no rows", "--no-header")
    assert "--no-header" not in one_line_error(csv_file("a,b,c\n"), "no rows", header=True)
    assert cells(csv_file("1,2,x\n"), header=False) == {"column_1": [1], "column_2": [2], "column_3": ["x"]}


# ---------------------------------------------------------------- names and rows


def test_t03_duplicate_names(csv_file):
    one_line_error(csv_file("a,b,a,b,c\n1,2,3,4,5\n"), "duplicate", "'a', 'b'")


def test_t04_blank_names(csv_file):
    table, notes = both(csv_file(",b, \n1,2,x\n3,4,y\n"))
    assert table.column_names == ["column_1", "b", "column_3"]
    assert any("column_1, column_3" in note for note in notes)


def test_t05_short_row(csv_file):
    path = csv_file("a,b,c\n1,2,3\n\n4,5\n6,7,8\n")
    one_line_error(path, "line 4", "2 cells", "header has 3", "--on-bad-rows skip")
    table, notes = both(path, ReadOptions(on_bad_rows="skip"))
    assert table.to_pydict() == {"a": [1, 6], "b": [2, 7], "c": [3, 8]}
    assert any("1 bad rows skipped" in note for note in notes)


def test_t05_short_row_after_cells_of_several_lines(csv_file):
    one_line_error(csv_file('a,b\n1,"x\ny"\n2\n'), "line 4", "1 cell,")


def test_t05_short_row_far_down(csv_file):
    lines = ["a,b,c"] + ["1,2,3"] * 300_000
    lines[250_000] = "1,2"
    one_line_error(csv_file("\n".join(lines)), "line 250001")


def test_t06_long_row(csv_file):
    path = csv_file("a,b\n1,2\n3,4,5\n6,7\n")
    one_line_error(path, "line 3", "3 cells")
    assert cells(path, on_bad_rows="skip") == {"a": [1, 6], "b": [2, 7]}
    one_line_error(csv_file("a,b\n1,2,3\n"), "no rows left", "1 were skipped", on_bad_rows="skip", delimiter=",")


def test_t07_unclosed_quote(csv_file):
    one_line_error(csv_file('a,b\n1,x\n2,"y\n3,z\n'), "line 3", "never closed")
    one_line_error(csv_file('a,b\n1,x\n2,"y'), "line 3", "never closed")
    one_line_error(csv_file('a,b\n1,"x\n2,"y\n3,z\n'), "line 2", "quote")  # closed again, elsewhere
    far = "a,b\n" + "1,x\n" * 400_000 + '2,"y\n' + "3,z\n" * 10
    one_line_error(csv_file(far), "line 400002", "never closed")


def test_quotes_as_in_rfc_4180(csv_file):
    path = csv_file('a,b\r\n"x, ""y""","line 1\r\nline 2"\r\n5" pipe,z\r\n')
    assert cells(path) == {"a": ['x, "y"', '5" pipe'], "b": ["line 1\r\nline 2", "z"]}


def test_a_space_before_a_quote(csv_file):
    one_line_error(csv_file('a, b\n1, "x"\n2, "y"\n'), "space", "quote")


def test_spaces_around_cells_are_stripped(csv_file):
    path = csv_file("n, f , s\n 1 , 2.5 ,  x y \n 2, ? , ? \n")
    assert cells(path) == {"n": [1, 2], "f": [2.5, None], "s": ["x y", None]}


# ---------------------------------------------------------------- delimiter, decimal mark, header


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_delimiters_are_found(csv_file, mark):
    path = csv_file(f"a{mark}b\n1{mark}x y\n2{mark}z\n")
    assert cells(path) == {"a": [1, 2], "b": ["x y", "z"]}
    assert bool(read(path).notes) == (mark != ",")


def test_delimiter_by_option(csv_file):
    assert cells(csv_file("a:b\n1:2\n"), delimiter=":") == {"a": [1], "b": [2]}
    assert cells(csv_file("a\tb\n1\t2\n"), delimiter="\\t") == {"a": [1], "b": [2]}


def test_ambiguous_delimiter(csv_file):
    path = csv_file("a,b;c\n1,x;3\n2,y;4\n")
    one_line_error(path, "ambiguous", "','", "';'", "--delimiter")
    assert cells(path, delimiter=";") == {"a,b": ["1,x", "2,y"], "c": [3, 4]}


def test_the_delimiter_that_cuts_more_lines_alike_wins(csv_file):
    assert cells(csv_file("a;b\n1;x, y\n2;u, v\n3;w, z\n4;k\n"))["b"] == ["x, y", "u, v", "w, z", "k"]
    one_line_error(csv_file("a,b,c\n1,2,3\n4,5\n"), "line 3")


def test_a_quoted_cell_across_the_end_of_the_sample(csv_file):
    content = "n,s,m\n" + "".join(f'{i},"x\n\ny\n\n{i}",{i}.5\n' for i in range(80_000))
    table = read(csv_file(content)).table
    assert table.schema.types == [pa.int64(), pa.large_string(), pa.float64()]
    assert table["m"].to_pylist() == [i + 0.5 for i in range(80_000)]


def test_one_column_without_a_delimiter(csv_file):
    table, notes = both(csv_file("text\nhello\nno, you\nbye\nand so on\n"))
    assert table.to_pydict() == {"text": ["hello", "no, you", "bye", "and so on"]}
    assert any("one column" in note and "--delimiter" in note for note in notes)


def test_t08_decimal_comma(csv_file):
    path = csv_file("a;b;c\n1,5;x;7\n-2;y;8\n3,25;z;9\n")
    one_line_error(path, "'a'", "--decimal ,")
    assert cells(path, decimal=",") == {"a": [1.5, -2.0, 3.25], "b": ["x", "y", "z"], "c": [7, 8, 9]}
    assert cells(path, decimal=".")["a"] == ["1,5", "-2", "3,25"]


def test_t08_point_in_a_file_of_decimal_commas_is_not_a_number(csv_file):
    assert cells(csv_file("a;b\n1.5;x\n2,5;y\n"), decimal=",")["a"] == ["1.5", "2,5"]


def test_no_header_is_found_out(csv_file):
    table, notes = both(csv_file("5,x,?\n6,y,2.5\n7,z,3\n"))
    assert table.to_pydict() == {
        "column_1": [5, 6, 7],
        "column_2": ["x", "y", "z"],
        "column_3": [None, 2.5, 3.0],
    }
    assert "no header" in notes[0]
    assert "column_3" in notes[0]
    assert cells(csv_file("5,x\n6,y\n"), header=True) == {"5": [6], "x": ["y"]}


def test_a_header_is_found_out(csv_file):
    assert cells(csv_file("a,2020\n1,5\n")) == {"a": [1], "2020": [5]}
    assert cells(csv_file("a,b\nx,y\n")) == {"a": ["x"], "b": ["y"]}
    assert cells(csv_file("a,b\nx,y\n"), header=False) == {"column_1": ["a", "x"], "column_2": ["b", "y"]}


# ---------------------------------------------------------------- encodings and bytes


def test_t09_utf8_mark(csv_file):
    path = csv_file(codecs.BOM_UTF8 + "a,ö\n1,ü\n2,x\n".encode())
    assert cells(path) == {"a": [1, 2], "ö": ["ü", "x"]}
    assert cells(path, encoding="utf-8") == cells(path)
    assert cells(csv_file(codecs.BOM_UTF8 + b"1,x\n2,y\n")) == {"column_1": [1, 2], "column_2": ["x", "y"]}


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be"])
def test_t10_utf16(csv_file, name):
    path = csv_file("city,n\nKöln,1\nŁódź,2\n".encode(name))
    one_line_error(path, "UTF-16", f"--encoding {name}")
    assert cells(path, encoding=name) == {"city": ["Köln", "Łódź"], "n": [1, 2]}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_t11_latin1(csv_file, end):
    path = csv_file(end.join(["city,n", "Rome,1", "Orléans,2", "Köln,3"]).encode("latin-1"))
    one_line_error(path, "line 3", "0xe9", "--encoding cp1252", "latin-1")
    assert cells(path, encoding="latin-1") == {"city": ["Rome", "Orléans", "Köln"], "n": [1, 2, 3]}


def test_t11_latin1_far_down_and_in_a_number(csv_file):
    far = b"a,b\n" + b"1,x\n" * 400_000
    one_line_error(csv_file(far + b"2,\xe9\n"), "line 400002", "--encoding")
    one_line_error(csv_file(far + b"\xe9,x\n"), "line 400002", "--encoding")


def test_wrong_encoding_named(csv_file):
    one_line_error(csv_file(b"a,b\n1,\x81\n"), "cp1252", "--encoding", encoding="cp1252")


def test_t12_compression_is_told_by_the_bytes(csv_file):
    packed = {
        "gz": gzip.compress(NUMBERS.encode()),
        "zst": pa.Codec("zstd").compress(NUMBERS.encode(), asbytes=True),
    }
    for ending, content in packed.items():
        for name in ("table.csv", f"table.csv.{ending}", "table"):
            assert cells(csv_file(content, name))["b"] == [i + 0.5 for i in range(100)]
    assert cells(csv_file(NUMBERS, "really_text.csv.gz"))["a"] == list(range(100))


def test_t12_damaged_gzip(csv_file):
    noise = "a\n" + "".join(f"{random.Random(i).random()}\n" for i in range(200_000))
    packed = bytearray(gzip.compress(noise.encode()))
    for cut in (len(packed) - 4, len(packed) // 2, 30):
        one_line_error(csv_file(packed[:cut]), "compressed data")
    packed[len(packed) // 2] ^= 255
    one_line_error(csv_file(packed))
    zstd = pa.Codec("zstd").compress(noise.encode(), asbytes=True)
    one_line_error(csv_file(zstd[: len(zstd) // 2]), "compressed data")


def workbook():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\n  <!DOCTYPE html><html></html>", "HTML"),
        (b"%PDF-1.7\n1 0 obj", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel"),
        (workbook(), "Excel workbook: save it as CSV or Parquet"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (random.Random(0).randbytes(5000).replace(b"\0", b"\1"), "binary"),
        (bytes(range(256)) * 20, "binary"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "PNG"),
        (gzip.compress(b"<html>", mtime=0), "HTML"),
    ],
    ids=["html", "pdf", "xls", "xlsx", "pickle", "lfs", "random", "bytes", "png", "gzipped-html"],
)
def test_t13_other_things_called_csv(csv_file, content, words):
    one_line_error(csv_file(content), words)


def test_t14_carriage_returns_alone(csv_file):
    assert cells(csv_file("a,b\r1,x\r2,y\r")) == {"a": [1, 2], "b": ["x", "y"]}
    one_line_error(csv_file("a,b\r1,x\r2\r"), "line 3")


def test_t15_nul_bytes(csv_file):
    one_line_error(csv_file(b"a,b\n1,x\x00y\n"), "line 2", "NUL")
    one_line_error(csv_file(b"a,b\n" + b"1,x\n" * 400_000 + b"2,\0\n"), "line 400002", "NUL")


# ---------------------------------------------------------------- what cells are


def test_t16_text_in_a_number_column(csv_file):
    lines = ["n,f", *["1,0.5"] * 250_000]
    lines[200_000] = "oops,0.5"
    one_line_error(csv_file("\n".join(lines)), "line 200001", "'n'", "'oops'", "--missing")
    lines[200_000] = "1,\x1b[2Jbad"
    one_line_error(csv_file("\n".join(lines)), "line 200001", "'f'", "'[2Jbad'")
    lines[200_000] = "gone,0.5"
    column = read(csv_file("\n".join(lines)), ReadOptions(missing=("gone",))).table["n"]
    assert column.type == pa.int64()
    assert column.null_count == 1


def test_t16_text_in_the_sample_makes_text_and_says_so(csv_file):
    table, notes = both(csv_file("n\n" + "5\n" * 50 + "oops\n"))
    assert table.schema.types == [pa.large_string()]
    assert any("'n'" in note and "'oops'" in note for note in notes)


def test_t17_infinities_stay(csv_file):
    assert cells(csv_file("a,b\n1,inf\n2,-Infinity\n3,1e400\n"))["b"] == [np.inf, -np.inf, np.inf]


def test_t18_columns_of_nothing(csv_file):
    table = read(csv_file("a,b\n1,\n2,NA\n")).table
    assert table["b"].type == pa.float64()
    assert table["b"].to_pylist() == [None, None]


def test_t19_missing_markers(csv_file):
    rows = "".join(f"{marker},{marker},7\n" for marker in table_options.MISSING_MARKERS)
    table = read(csv_file(f"n,s,k\n1,x,7\n{rows}")).table
    missing = len(table_options.MISSING_MARKERS)
    assert table["n"].null_count == table["s"].null_count == missing
    assert table["n"].type == pa.int64()
    assert cells(csv_file("s,n\nNA,1\nx,-9\n,2\n"), missing=("-9",)) == {
        "s": ["NA", "x", None],
        "n": [1, None, 2],
    }


def test_t20_identifiers_stay_text(csv_file):
    path = csv_file("zip,long,n,f\n007,12345678901234567890,0,0.5\n12,1,999999999999999,-0.25\n")
    assert cells(path) == {
        "zip": ["007", "12"],
        "long": ["12345678901234567890", "1"],
        "n": [0, 999999999999999],
        "f": [0.5, -0.25],
    }


def test_t20_long_identifiers_that_come_late(csv_file):
    far = "id,n\n" + "".join(f"{i},1\n" for i in range(300_000)) + "12345678901234567891,2\n"
    table, notes = both(csv_file(far))
    assert table["id"].type == pa.large_string()
    assert table["id"][-1].as_py() == "12345678901234567891"
    assert any("'id'" in note for note in notes)


def test_whole_numbers_with_a_fraction_far_down_are_floats(csv_file):
    table = read(csv_file("n,m\n" + "3,4\n" * 400_000 + "0.5,4\n")).table
    assert table.schema.types == [pa.float64(), pa.int64()]


def test_floats_are_exact(csv_file):
    values = [random.Random(i).gauss(0, 10 ** (i % 40 - 20)) for i in range(500)]
    assert cells(csv_file("x\n" + "".join(f"{v!r}\n" for v in values)))["x"] == values


def test_t21_booleans(csv_file):
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


def test_t22_dates(csv_file):
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
    table, notes = both(csv_file("d\n" + "\n".join(dates) + "\n"))
    assert table["d"].to_pylist() == dates
    assert any("'d'" in note and "YYYY-MM-DD" in note for note in notes)


def test_t23_many_columns(csv_file, monkeypatch):
    wide = ",".join(f"c{j}" for j in range(10_000)) + "\n" + (",".join(["1"] * 10_000) + "\n") * 5
    assert read(csv_file(wide)).table.shape == (5, 10_000)
    too_wide = ",".join(f"c{j}" for j in range(50_001)) + "\n" + ",".join(["1"] * 50_001) + "\n"
    one_line_error(csv_file(too_wide), "50001 columns", "50000")


def test_t23_a_cell_of_three_megabytes(csv_file):
    for lines in ("a,b\n1,{}\n2,y\n", "a,b\n2,y\n1,{}\n3,z\n", "a,b\n" + "2,y\n" * 300_000 + "1,{}\n"):
        column = read(csv_file(lines.format("x" * 3_000_000))).table["b"]
        assert max(len(cell) for cell in column.to_pylist()) == 3_000_000
    assert csv.field_size_limit() == 131072  # Python's own, for the whole process, is put back


def test_t23_a_row_longer_than_the_limit(csv_file, monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROW_BYTES", 1 << 21)
    one_line_error(csv_file("a,b\n1,x\n2," + "x" * 6_000_000 + "\n3,y\n"), "longer than 2 MiB")


# ---------------------------------------------------------------- binary formats


def parquet_bytes(**options):
    stream = io.BytesIO()
    rng = np.random.default_rng(0)
    pq.write_table(pa.table({"a": rng.normal(size=5000), "b": rng.integers(0, 9, 5000)}), stream, **options)
    return stream.getvalue()


def test_t24_broken_parquet(csv_file):
    whole = parquet_bytes()
    assert read(csv_file(whole, "fine.parquet")).table.shape == (5000, 2)
    assert read(csv_file(whole, "misnamed.csv")).table.shape == (5000, 2)
    for cut in (5, len(whole) // 2, len(whole) - 1):
        one_line_error(csv_file(whole[:cut], "cut.parquet"), "truncated or damaged")
    one_line_error(csv_file(NUMBERS, "text.parquet"), "not a Parquet file", "rename it to .csv")
    one_line_error(csv_file(gzip.compress(whole), "packed.parquet"), "unpack it")
    one_line_error(csv_file(b"PAR1", "stub.parquet"), "not a Parquet file")


def test_a_column_called_par1(csv_file):
    assert cells(csv_file("PAR1,PAR2\n1,2\n")) == {"PAR1": [1], "PAR2": [2]}


def test_t25_a_flipped_byte_in_a_checked_parquet_page(csv_file):
    damaged = bytearray(parquet_bytes(write_page_checksum=True, compression="none", use_dictionary=False))
    damaged[20_000] ^= 1
    one_line_error(csv_file(damaged, "flipped.parquet"), "damaged")


def test_t27_columns_of_other_types_in_files(tmp_path):
    path = tmp_path / "nested.parquet"
    pq.write_table(pa.table({"fine": [1], "odd": [[1, 2]]}), path)
    one_line_error(path, "'odd'", "list", "drop the column")


def test_no_rows_in_binary_formats(tmp_path):
    nothing = pa.table({"a": pa.array([], pa.int64())})
    pq.write_table(nothing, tmp_path / "x.parquet")
    pyarrow.feather.write_feather(nothing, tmp_path / "x.feather")
    np.save(tmp_path / "x.npy", np.zeros((0, 2)))
    for name in ("x.parquet", "x.feather", "x.npy"):
        one_line_error(tmp_path / name, "no rows")


def arrow_bytes(opener):
    stream, table = io.BytesIO(), pa.table({"a": list(range(1000)), "s": ["x"] * 1000})
    with opener(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue()


@pytest.mark.parametrize("opener", [pa.ipc.new_file, pa.ipc.new_stream])
def test_arrow_files_and_streams(csv_file, opener):
    whole = arrow_bytes(opener)
    for name in ("t.arrow", "t.csv", "t"):
        assert cells(csv_file(whole, name))["a"] == list(range(1000))
    for cut in (20, len(whole) // 2):
        one_line_error(csv_file(whole[:cut], "t.arrow"), "truncated or damaged")
    one_line_error(csv_file(NUMBERS, "text.feather"), "not a Arrow IPC file")


def test_arrow_buffers_are_checked(csv_file):
    whole = bytearray(arrow_bytes(pa.ipc.new_file))
    place = whole.find(b"x" * 1000)
    whole[place] = 0xFF
    one_line_error(csv_file(whole, "t.arrow"), "damaged")


def test_jsonl(csv_file):
    lines = '{"a": 1, "b": "x", "c": true}\n{"a": 2.5, "b": null}\n\n{"c": false, "d": "2020-01-02"}\n'
    want = {
        "a": [1.0, 2.5, None],
        "b": ["x", None, None],
        "c": [True, None, False],
        "d": [None, None, dt.datetime(2020, 1, 2)],
    }
    for name in ("t.jsonl", "t.ndjson", "t.txt"):
        assert cells(csv_file(lines, name)) == want
    assert cells(csv_file(gzip.compress(lines.encode()), "t.jsonl.gz")) == want
    assert cells(csv_file('{"s": "é"}\n'.encode("latin-1"), "t.jsonl"), encoding="latin-1") == {"s": ["é"]}
    assert len(cells(csv_file('{"s": "' + "x" * 5_000_000 + '"}\n', "t.jsonl"))["s"][0]) == 5_000_000


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('{"a": 1}\n{"a": 2\n', ["line 2", "one object a line"]),
        ('{"a": 1}\n\n{"a": "x"}\n', ["line 3", "'a'", "text", "a number"]),
        ('{"a": 1}\n' * 600_000 + '{"a": "x"}\n', ["line 600001", "'a'"]),
        ('{"a": 1}\n[2]\n', ["line 2", "a list"]),
        ('{"a": 1}\n{"a": 2, "a": 3}\n', ["line 2", "'a'", "twice"]),
        ('{"a": {"b": 1}}\n', ["'a'", "struct"]),
        ('{"a": [1]}\n', ["'a'", "list"]),
        (b'{"a": "x"}\n{"a": "\xe9"}\n', ["line 2", "0xe9", "--encoding"]),
        ('[{"a": 1}]', ["JSON array", "JSONL"]),
        ('[\n{"a": 1}]', ["JSON array", "JSONL"]),
        ("{}\n{}\n", ["no rows"]),
    ],
    ids=lambda v: v[-1] if isinstance(v, list) else "",
)
def test_broken_jsonl(csv_file, lines, words):
    one_line_error(csv_file(lines, "t.jsonl"), *words)


def test_npy_and_npz(tmp_path):
    X = np.array([[1.0, np.nan], [3.0, 4.0]])
    np.save(tmp_path / "x.npy", X)
    np.savez(tmp_path / "one.npz", X)
    np.savez_compressed(tmp_path / "many.npz", n=[1, 2], s=["a", "b"], z=X)
    np.savez(tmp_path / "two.npz", a=X, b=X)
    assert cells(tmp_path / "x.npy") == {"x0": [1.0, 3.0], "x1": [None, 4.0]}
    assert cells(tmp_path / "one.npz") == cells(tmp_path / "x.npy")
    assert list(cells(tmp_path / "many.npz")) == ["n", "s", "x0", "x1"]
    assert cells(tmp_path / "many.npz")["s"] == ["a", "b"]
    assert list(cells(tmp_path / "two.npz")) == ["a0", "a1", "b0", "b1"]


def test_broken_npy_and_npz(tmp_path):
    np.save(tmp_path / "flat.npy", np.arange(3))
    one_line_error(tmp_path / "flat.npy", "2-D")
    np.savez(tmp_path / "uneven.npz", a=np.arange(3), b=np.arange(4))
    one_line_error(tmp_path / "uneven.npz", "'a' 3", "'b' 4")
    np.savez(tmp_path / "deep.npz", a=np.zeros((2, 2, 2)))
    one_line_error(tmp_path / "deep.npz", "'a'", "3-D")
    np.savez(tmp_path / "clash.npz", a=np.zeros((2, 2)), b=np.zeros((2, 2)), a0=np.zeros(2))
    one_line_error(tmp_path / "clash.npz", "duplicate", "'a0'")
    np.save(tmp_path / "whole.npy", np.eye(50))
    whole = (tmp_path / "whole.npy").read_bytes()
    for cut in (9, 60, 1000):
        one_line_error(written(tmp_path, whole[:cut], "cut.npy"), "truncated or damaged")
    one_line_error(written(tmp_path, NUMBERS, "text.npy"), "not a npy file")
    np.savez(tmp_path / "whole.npz", np.eye(50))
    zipped = (tmp_path / "whole.npz").read_bytes()
    one_line_error(written(tmp_path, zipped[: len(zipped) // 2], "cut.npz"), "truncated or damaged")
    with zipfile.ZipFile(tmp_path / "csv.zip", "w") as archive:
        archive.writestr("t.csv", NUMBERS)
    one_line_error(tmp_path / "csv.zip", "zip archive", "unpack it")


class Bomb:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_nothing_is_unpickled(tmp_path):
    objects = np.empty((1, 1), dtype=object)
    objects[0, 0] = Bomb(tmp_path / "exploded")
    np.save(tmp_path / "o.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "o.npz", o=objects)
    (tmp_path / "o.csv").write_bytes(pickle.dumps(objects))
    for name in ("o.npy", "o.npz", "o.csv"):
        one_line_error(tmp_path / name, "pickle")
    assert not (tmp_path / "exploded").exists()


# ---------------------------------------------------------------- names of files, options


def test_f12_any_file_name(tmp_path):
    folder = os.fsencode(tmp_path)
    binary = {
        b".parquet": parquet_bytes(),
        b".arrow": arrow_bytes(pa.ipc.new_file),
        b".csv": NUMBERS.encode(),
    }
    for stem in (b"caf\xe9\xff", b"with space #1", b"x" * 240, "漢字".encode()):
        for extension, content in binary.items():
            path = os.path.join(folder, stem + extension)
            with open(path, "wb") as file:
                file.write(content)
            assert read(os.fsdecode(path)).table.num_rows >= 100
            assert read(Path(os.fsdecode(path))).table.num_rows >= 100
    path = os.path.join(folder, b"bad\xff\x1b[2J\n.csv")
    with open(path, "wb") as file:
        file.write(b"a,b\n1\n1,2\n")
    message = one_line_error(os.fsdecode(path), r"bad\xff[2J.csv, line 2")
    message.encode("utf-8")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"delimiter": ",,"}, "--delimiter"),
        ({"delimiter": "\n"}, "--delimiter"),
        ({"delimiter": "€"}, "--delimiter"),
        ({"decimal": "'"}, "--decimal"),
        ({"decimal": ",", "delimiter": ","}, "--decimal and --delimiter"),
        ({"encoding": "utf-9"}, "--encoding"),
        ({"encoding": "hex"}, "--encoding"),
    ],
)
def test_options_that_cannot_be(given, words):
    with pytest.raises(InputError, match=words):
        ReadOptions(**given)


def test_options_of_a_wrong_type():
    options = ReadOptions()  # set behind the back of the type checks that run with the tests
    object.__setattr__(options, "missing", "-9")
    options.__post_init__()
    assert options.missing == ("", "-9")
    object.__setattr__(options, "on_bad_rows", "warn")
    with pytest.raises(InputError, match="--on-bad-rows"):
        options.__post_init__()


def test_the_decimal_mark_is_no_delimiter(csv_file):
    path = csv_file("1,5;2,5\n3,5;4,5\n")
    one_line_error(path, "ambiguous")
    assert cells(path, decimal=",") == {"column_1": [1.5, 3.5], "column_2": [2.5, 4.5]}


def test_white_space_around_cells_is_seen_by_their_ends():
    from contramix.io.tables.csv.cell_types import may_have_padding

    spaces = [" ", "\t", "\n", "\x0b", "\u00a0", "\u2003", "\u3000"]
    for cell in ["a", "a b", "", *(pad + "a" for pad in spaces), *("a" + pad for pad in spaces), *spaces]:
        cells = pa.chunked_array([["xy", None, cell, "z"], ["q"]], pa.large_string())
        assert may_have_padding(cells) == (cell != cell.strip())
        assert not may_have_padding(cells.slice(3))


def test_whole_numbers_are_whole_to_the_end_of_int64(csv_file):
    start = "n\n" + "7\n" * 600_000  # numbers to be found behind the sample
    assert read(csv_file(start + "-5\n")).table.schema.types == [pa.int64()]
    with pytest.raises(InputError, match=r"line 600002, column 'n': '0x1F' is not a number"):
        read(csv_file(start + "0x1F\n"))
    assert read(csv_file(start + " 007 \n")).table["n"][-1].as_py() == 7
    for odd in ("0.5", "nan", "1e300", "inf"):
        kind = pa.large_string() if odd == "1e300" else pa.float64()
        if odd != "nan":  # a missing marker
            assert read(csv_file(start + odd + "\n")).table.schema.types == [kind], odd
    assert read(csv_file(start + "9223372036854775808\n")).table.schema.types == [pa.large_string()]
