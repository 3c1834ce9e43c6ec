"""Test reading texts from files, folders, archives, tables and Python values, complete and broken."""

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contramix.domains import DOMAINS, find_domain, find_domain_of_values
from contramix.domains.text.reading import read
from contramix.domains.text.settings import TextSettings
from contramix.domains.text.values import from_values
from contramix.errors import InputError
from contramix.io.options import ReadOptions
from contramix.io.records import BadFile

OPTIONS, AUTO = ReadOptions(), TextSettings()
LINES = "1 a warm, funny film\n0 dull and long\n1 a joy\n0 no fun\n"
ROWS = {"text": ["a warm, funny film", "dull and long", "a joy", "no fun"], "label": ["1", "0", "1", "0"]}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def put(name, content):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def test_lines_with_labels_whatever_the_name():
    for name, data in {"x.all.gz": gzip.compress(LINES.encode()), "x.txt": LINES, "x": LINES}.items():
        put(name, data)
        assert find_domain(name) == "text"
        reading = read(name, OPTIONS, AUTO)
        assert reading.table.to_pydict() == ROWS
        assert (reading.target, reading.splits, reading.notes) == ("label", (), ())


def test_lines_without_labels():
    put("book.txt", "It rained, and rained.\n\nSo we stayed in.\r\n\n")
    assert find_domain("book.txt") == "text"
    reading = read("book.txt", OPTIONS, AUTO)
    assert reading.table.to_pydict() == {"text": ["It rained, and rained.", "", "So we stayed in."]}
    assert reading.target is None


def test_latin_1_is_said():
    put("x.txt", LINES.replace("joy", "Freude für alle").encode("latin-1"))
    reading = read("x.txt", OPTIONS, AUTO)
    assert reading.table.column("text")[2].as_py() == "a Freude für alle"
    assert reading.notes == ("x.txt is not UTF-8 and is read as Latin-1; `encoding` says otherwise",)
    assert read("x.txt", ReadOptions(encoding="latin-1"), AUTO).notes == ()


def test_files_of_official_parts():
    for part in ("train", "dev", "test"):
        put(f"sst/stsa.binary.{part}.gz", gzip.compress(LINES.replace("joy", part).encode()))
    put("sst/README.md", "what it is")
    put("sst/readme.txt", "what it is")
    assert find_domain("sst") == "text"
    reading = read("sst", OPTIONS, AUTO)
    assert reading.splits == ("train", "valid", "test")
    assert reading.training.column("text").to_pylist()[2] == "a train"
    assert reading.test.column("text").to_pylist()[2] == "a test"
    assert reading.table.column("part").to_pylist() == ["train"] * 4 + ["valid"] * 4 + ["test"] * 4
    assert reading.table.column("label").null_count == 0


def test_several_data_sets_in_a_folder_are_named():
    for name in ("a.train.gz", "a.test.gz", "b.train.gz"):
        put(f"two/{name}", gzip.compress(LINES.encode()))
    assert find_domain("two") == "text"
    with pytest.raises(InputError, match=r"two: holds 2 data sets \(a\.test\.gz, b\.train\.gz, \.\.\.\): name the"):
        read("two", OPTIONS, AUTO)


def reviews(root, parts=("",)):
    """Two classes of three texts, in each part."""
    for part in parts:
        for n in range(6):
            put(f"{root}/{part}/{['neg', 'pos'][n % 2]}/{n}.txt", f"text number {'abcdef'[n]} of {part or 'all'}\n")
    return root


def test_a_folder_of_files_is_a_text_each_and_an_archive_is_the_folder():
    reviews("imdb", ("train", "test"))
    put("imdb/README.txt", "What this is.")
    with zipfile.ZipFile("imdb.zip", "w") as archive, tarfile.open("imdb.tar.gz", "w:gz") as tar:
        for file in sorted(Path("imdb").rglob("*.txt")):
            archive.write(file)
            tar.add(file)
    for path in ("imdb", "imdb.zip", "imdb.tar.gz"):
        assert find_domain(path) == "text"
        reading = read(path, OPTIONS, AUTO)
        table = reading.table
        assert table.column_names == ["text", "file", "label", "part"]
        assert table.column("label").to_pylist() == (["neg"] * 3 + ["pos"] * 3) * 2
        assert (reading.splits, reading.target) == (("train", "test"), "label")
        for text, file in zip(table.column("text").to_pylist(), table.column("file").to_pylist()):
            number = int(Path(file).stem)
            assert text == f"text number {'abcdef'[number]} of {'train' if 'train' in file else 'test'}"


def test_files_that_are_no_text_are_left_out_and_named():
    reviews("imdb")
    put("imdb/neg/empty.txt", b"")
    put("imdb/pos/noise.txt", b"\0\1\2")
    put("imdb/pos/latin.txt", "schön".encode("latin-1"))
    reading = read("imdb", OPTIONS, AUTO)
    assert reading.bad_files == (
        BadFile("neg/empty.txt", "0 bytes"),
        BadFile("pos/noise.txt", "holds NUL bytes, so it is not text"),
    )
    assert reading.table.num_rows == 7
    assert reading.notes == ("1 files are not UTF-8 and are read as Latin-1; `encoding` says otherwise",)
    with pytest.raises(InputError, match=r"imdb: neg/empty\.txt: 0 bytes; give `on_bad_files='skip'`"):
        read("imdb", ReadOptions(on_bad_files="fail"), AUTO)
    put("bad/1.txt", b"")
    put("bad/2.txt", b"\0")
    with pytest.raises(InputError, match=r"bad: none of 2 files can be read \(1\.txt: 0 bytes"):
        read("bad", OPTIONS, AUTO)


BROKEN = {
    "empty.txt": (b"", "empty file"),
    "blank.txt": (b"\n\n \n", "no line of text"),
    "nul.txt": (b"a line\nb\0\n", "NUL"),
    "wide.txt": ("ein wort".encode("utf-16"), "`encoding='utf-16'`"),
    "half.txt.gz": (gzip.compress(LINES.encode() * 99)[:-30], "cannot be decompressed"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_with_what_is_wrong(name):
    content, word = BROKEN[name]
    put(name, content)
    with pytest.raises(InputError, match=word) as error:
        read(name, OPTIONS, AUTO)
    assert str(error.value).startswith(name)


def test_a_column_of_a_table():
    table = pa.table({"id": [1, 2], "town": ["ulm", "bonn"], "review": ["a long and warm text", None], "label": [0, 1]})
    pq.write_table(table, "r.parquet")
    put("r.csv", "id,town,review,label\n1,ulm,a long and warm text,0\n2,bonn,,1\n")
    lines = [
        '{"id": 1, "town": "ulm", "review": "a long and warm text", "label": 0}',
        '{"id": 2, "town": "bonn", "label": 1}',
    ]
    put("r.jsonl", "\n".join(lines))
    for name in ("r.parquet", "r.csv", "r.jsonl"):
        assert find_domain(name) == "table"
        reading = read(name, OPTIONS, AUTO)
        assert reading.table.to_pydict() == table.rename_columns(["id", "town", "text", "label"]).to_pydict()
        assert reading.notes[-1] == "the texts are column 'review' (by its name); text.column names another"
        assert reading.target == "label"
    spec, _ = DOMAINS["text"].spec.learn(reading.table, AUTO, "label")
    assert (spec.column, [c.name for c in spec.left_out]) == ("review", ["id", "town"])
    other = read("r.csv", OPTIONS, TextSettings(column="town")).table
    assert other.column("text").to_pylist() == ["ulm", "bonn"]
    # A model keeps to its column, where it is there.
    town = DOMAINS["text"].spec.learn(other, AUTO)[0]
    assert read("r.csv", OPTIONS, AUTO, town).table.column("text").to_pylist() == ["ulm", "bonn"]


def test_the_longest_column_is_taken_where_no_name_tells():
    put("r.csv", "a,b,c\nx,a much longer one,1\ny,and one more,2\n")
    reading = read("r.csv", OPTIONS, AUTO)
    assert reading.table.column_names == ["a", "text", "c"]
    assert "column 'b' (the longest, 14 characters on average)" in reading.notes[-1]


@pytest.mark.parametrize(
    ("csv", "column", "word"),
    [
        ("a,b\n1,2\n", "auto", "no column of text; known: 'a', 'b'"),
        ("a,b\n1,2\n", "a", "column 'a' is .*, not text"),
        ("words,b\nx,2\n", "word", "no column 'word'; did you mean 'words'"),
        ("words,text\nx,y\n", "words", "has both 'words' and a column 'text'"),
    ],
)
def test_columns_that_cannot_be(csv, column, word):
    put("r.csv", csv)
    with pytest.raises(InputError, match=word):
        read("r.csv", OPTIONS, TextSettings(column=column))


NOT_TEXT = {
    "a table as txt": ("t.txt", "name,town\nann,ulm\nbob,bonn\n"),
    "numbers as txt": ("n.txt", "0.5 1.5\n2.5 3.5\n"),
    "a CSV of sentences": ("s.csv", "text,label\nit rained,1\nit snowed,0\n"),
    "a time series": ("x.ts", "@problemName X\n@data\n1.0,2.0:1\n3.0,4.0:2\n"),
    "a page": ("p.txt", "<html>some words here</html>"),
    "JSON lines": ("j.txt", '{"word": "here"}\n{"word": "there"}\n'),
    "noise": ("b.txt", bytes(range(256))),
    "a note": ("notes.md", "1 some words\n0 other words\n"),
    "raw files of graphs": ("M/M_A.txt", "1, 2\n2, 1\n"),
    "a table with a note beside": ("d/table.csv", "a,b\n1,2\n"),
}


@pytest.mark.parametrize("case", NOT_TEXT)
def test_what_others_may_have_is_not_claimed(case):
    name, content = NOT_TEXT[case]
    put(name, content)
    if case == "a table with a note beside":
        put("d/readme.txt", "Some words on it.")
    assert not DOMAINS["text"].recognizes(name)
    assert not DOMAINS["text"].recognizes(".")
    assert not DOMAINS["text"].recognizes("nowhere")


def test_texts_from_python():
    words = ["it rained", "it snowed", ""]
    import pandas as pd
    import polars as pl

    for values in (
        words,
        tuple(words),
        np.array(words),
        np.array(words, dtype=object),
        pd.Series(words),
        pl.Series(words),
        pa.array(words),
        pa.chunked_array([words[:1], words[1:]]),
    ):
        assert find_domain_of_values(values) == "text"
        assert from_values(values, AUTO).table.column("text").to_pylist() == words
    for missing in (None, float("nan"), pd.NA):
        assert find_domain_of_values(["a b", missing]) == "text"
        assert from_values(["a b", missing], AUTO).table.column("text").to_pylist() == ["a b", None]
    assert from_values(pd.Series(["a b", None]), AUTO).table.column("text").null_count == 1
    frame = pd.DataFrame({"n": [1, 2, 3], "review": words})
    assert find_domain_of_values(frame) == "table"
    assert from_values(frame, AUTO).table.column("text").to_pylist() == words


def test_files_from_python():
    put("a.txt", "one text\nof two lines")
    put("b.txt", "another")
    for values in ([Path("a.txt"), Path("b.txt")], ["a.txt", "b.txt"]):
        assert find_domain_of_values(values) == "text"
        assert from_values(values, AUTO).table.column("text").to_pylist() == ["one text\nof two lines", "another"]
    # Names of files that are not there are words like others.
    assert from_values(["a.txt", "c.txt"], AUTO).table.column("text").to_pylist() == ["a.txt", "c.txt"]
    put("b.txt", b"\0")
    with pytest.raises(InputError, match=r"b\.txt: holds NUL"):
        from_values(["a.txt", "b.txt"], AUTO)


@pytest.mark.parametrize(
    "values",
    [
        ["x.png", "y.png"],
        ["x.wav"],
        [["a", 1], ["b", 2]],
        [1.0, 2.0],
        ["a", 1],
        np.zeros(4),
        np.zeros((4, 2)),
        np.array([["a"], ["b"]]),
        [],
        pa.array([1, 2]),
        pa.table({"text": ["a"]}),
        {"a": 1},
        None,
    ],
    ids=lambda v: type(v).__name__,
)
def test_values_of_others_are_not_claimed(values):
    assert find_domain_of_values(values) != "text"


@pytest.mark.parametrize(
    ("values", "word"),
    [(["a", 1], "row 2: int is not text"), ([], "the list is empty"), (["a\ud800"], "half of a character")],
)
def test_values_that_are_no_texts(values, word):
    with pytest.raises(InputError, match=word):
        from_values(values, AUTO)


def test_line_records_from_a_zip_of_parts():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for part in ("train", "test"):
            archive.writestr(f"trec/{part}.txt", LINES)
    put("trec.zip", sink.getvalue())
    assert find_domain("trec.zip") == "text"
    assert read("trec.zip", OPTIONS, AUTO).splits == ("train", "test")
