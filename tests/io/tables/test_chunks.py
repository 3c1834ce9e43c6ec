"""Test that tables read in chunks equal the table that `read` returns, with the same types."""

import gzip
import os
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contramix.errors import InputError
from contramix.io.tables import columnar
from contramix.io.tables.chunks import read_chunks
from contramix.io.tables.csv import chunks
from contramix.io.tables.reading import ReadOptions, read

ROWS = 23
N = 200
DAY = datetime(2021, 3, 1, 12)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(columnar, "ROWS", ROWS)
    monkeypatch.setattr(chunks, "BLOCK_BYTES", 300)


def joined(path, options):
    """All portions; each is of the same types, of one chunk a column and of a bounded size."""
    found = read_chunks(path, options)
    parts = list(found)
    assert sum(part.num_rows for part in parts) == found.rows
    for part in parts:
        assert part.schema == found.schema
        assert 0 < part.num_rows <= ROWS
        assert {column.num_chunks for column in part.columns} == {1}
    middle = list(found.read_rows(found.rows // 3, found.rows // 2 + 1))
    table = pa.concat_tables(parts)
    assert pa.concat_tables(middle).equals(table.slice(found.rows // 3, found.rows // 2 + 1 - found.rows // 3))
    return table, found


def same(path, options=None):
    options = options or ReadOptions()
    want = read(path, options)
    table, found = joined(path, options)
    assert table.schema == want.table.schema
    assert table.equals(want.table)
    assert found.notes == want.notes
    return table


def refused(path, *words, options=None):
    """Both refuse with the same line."""
    options = options or ReadOptions()
    with pytest.raises(InputError) as whole:
        read(path, options)
    with pytest.raises(InputError) as by_portions:
        list(read_chunks(path, options))
    assert str(by_portions.value) == str(whole.value)
    for word in words:
        assert word in str(whole.value)


def late(values, before):
    """A column that begins with nothing."""
    return [None] * before + values[before:]


def mixed(rows=N):
    days = [DAY + timedelta(hours=7 * n) for n in range(rows)]
    return pa.table(
        {
            "f": pa.array([n / 3 for n in range(rows)], pa.float32()),
            "half": pa.array(np.linspace(-2, 2, rows, dtype=np.float16)),
            "i": pa.array(range(rows), pa.int16()),
            "u": pa.array([2**63 + 5 if n == rows - 2 else n for n in range(rows)], pa.uint64()),
            "small u": pa.array(range(rows), pa.uint64()),
            "nan": pa.array([float("nan") if n < rows - 3 else 1.5 for n in range(rows)]),
            "none": pa.nulls(rows),
            "no text": pa.nulls(rows, pa.string()),
            "late text": pa.array(late([f"t{n}" for n in range(rows)], 150), pa.string()),
            "late day": pa.array(late(days, 170), pa.timestamp("ns", "Europe/Berlin")),
            "late truth": pa.array(late([n % 2 == 0 for n in range(rows)], 100)),
            "late u": pa.array(late([2**63 + n for n in range(rows)], 100), pa.uint64()),
            "level": pa.array([f"l{n // 40}" for n in range(rows)]).dictionary_encode(),
            "date": pa.array([d.date() for d in days]),
            "price": pa.array([n for n in range(rows)], pa.int64()).cast(pa.decimal128(23, 2)),
        }
    )


@pytest.mark.parametrize("group", [N, 61, 7])
def test_parquet(tmp_path, group):
    pq.write_table(mixed(), tmp_path / "x.parquet", row_group_size=group)
    table = same(tmp_path / "x.parquet")
    assert pa.types.is_float64(table.schema.field("u").type)
    assert pa.types.is_int64(table.schema.field("small u").type)
    assert pa.types.is_large_string(table.schema.field("late text").type)


@pytest.mark.parametrize("compression", ["uncompressed", "zstd"])
def test_arrow_file(tmp_path, compression):
    pyarrow.feather.write_feather(mixed(), tmp_path / "x.feather", compression=compression, chunksize=N)
    same(tmp_path / "x.feather")
    pyarrow.feather.write_feather(mixed(), tmp_path / "y.feather", compression=compression, chunksize=9)
    same(tmp_path / "y.feather")


def test_arrow_stream(tmp_path):
    table = mixed()
    with pa.ipc.new_stream(tmp_path / "x.arrows", table.schema) as writer:
        for first in range(0, N, 37):
            writer.write_table(table.slice(first, 37))
            writer.write_table(table.slice(0, 0))
    same(tmp_path / "x.arrows")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(600, dtype=np.float32).reshape(200, 3),
        np.asfortranarray(np.arange(600.0).reshape(200, 3)),
        np.where(np.arange(600) > 400, np.arange(600) * 2**54, 7).astype(np.uint64).reshape(200, 3),
        np.array([(n, n / 2) for n in range(100)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array([["NaT" if n < 90 else "2020-01-01"] for n in range(100)], dtype="datetime64[D]"),
        np.arange(200, dtype=">f4").reshape(100, 2),
    ],
    ids=["float32", "fortran", "uint64", "structured", "days", "big-endian"],
)
def test_npy(tmp_path, array):
    np.save(tmp_path / "x.npy", array)
    same(tmp_path / "x.npy")


def test_npz_and_jsonl_are_held_whole_and_handed_out_in_portions(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.arange(200).reshape(100, 2), b=np.arange(100) / 7)
    same(tmp_path / "x.npz")
    (tmp_path / "x.jsonl").write_text("".join(f'{{"a": {n}, "b": "t{n}"}}\n' for n in range(100)))
    same(tmp_path / "x.jsonl")


def test_columns_of_a_pandas_index_are_left_out(tmp_path):
    pd.DataFrame({"a": range(50)}, index=[f"r{n}" for n in range(50)]).to_parquet(tmp_path / "x.parquet")
    assert same(tmp_path / "x.parquet").column_names == ["a"]


def test_names_of_any_bytes(tmp_path):
    folder = os.fsencode(tmp_path)
    for name, write in (
        (b"caf\xe9.parquet", lambda file: pq.write_table(mixed(), file)),
        (b"caf\xe9.feather", lambda file: pyarrow.feather.write_feather(mixed(), file)),
        (b"caf\xe9.npy", lambda file: np.save(file, np.eye(40))),
        (b"caf\xe9.csv", lambda file: file.write(b"a,b\n" + b"1,x\n" * 99)),
    ):
        path = os.path.join(folder, name)
        with open(path, "wb") as file:
            write(file)
        same(os.fsdecode(path))


# ---------------------------------------------------------------- delimited


def csv(folder, columns, name="x.csv"):
    """A file of these columns."""
    rows = zip(*columns.values(), strict=True)
    path = folder / name
    path.write_text(",".join(columns) + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


@pytest.fixture
def short_sample(monkeypatch):
    """Only the first two hundred bytes are looked at."""
    from contramix.io.tables.csv import reading

    monkeypatch.setattr(reading, "SAMPLE_BYTES", 200)


def cells(early, other, rows=N, at=150):
    return [early] * at + [other] * (rows - at)


@pytest.mark.usefixtures("short_sample")
@pytest.mark.parametrize(
    ("early", "other"),
    [
        ("1", "2.5"),
        ("1", "12345678901234567"),
        ("1", ""),
        ("1", "inf"),
        ("1.5", "?"),
        ("", "1"),
        ("", "2.5"),
        ("", "x"),
        ("", "007"),
        ("", "true"),
        ("", "2020-01-31"),
        ("", "31.12.2020"),
        ("", ""),
        ("true", "false"),
        ("true", "maybe"),
        ("2020-01-31", "2021-02-28"),
        ("2020-01-31", "2021-02-31"),
        ("2020-01-31", "2021-02-28 12:00:01.123456789"),
        ("2020-01-31", "2021-02-28T00:00:00+02:00"),
        ("31/12/2020", "01/02/2020"),
        ("31/12/2020", "12/31/2020"),
        ("01/02/2020", "31/12/2020"),
        ("x", ""),
        (" x ", '"a ""b"", c"'),
    ],
)
def test_what_comes_after_the_sample(tmp_path, early, other):
    same(csv(tmp_path, {"n": range(N), "c": cells(early, other), "d": cells(other, early), "t": ["text"] * N}))


@pytest.mark.usefixtures("short_sample")
def test_zones_and_orders_are_judged_across_portions(tmp_path):
    nothing = [""] * 60
    early, other = ["13/01/2020"] * 70, ["01/13/2020"] * 70
    table = same(csv(tmp_path, {"n": range(200), "c": nothing + early + other}))
    assert pa.types.is_large_string(table.schema.field("c").type)
    table = same(csv(tmp_path, {"n": range(200), "c": nothing + early + ["01/02/2020"] * 70}))
    assert table["c"][199].as_py() == datetime(2020, 2, 1)


def test_text_by_option_and_identifiers(tmp_path):
    path = csv(tmp_path, {"c": range(N), "e": ["", *range(1, N)], "z": [""] * N})
    for text in (("c",), ("c", "e", "z")):
        same(path, ReadOptions(text=text))


def test_layouts_encodings_and_packed_files(tmp_path):
    (tmp_path / "a.csv").write_text("a;b\n" + "".join(f"{n},5;ü{n}\n" for n in range(99)), encoding="latin-1")
    same(tmp_path / "a.csv", ReadOptions(decimal=",", encoding="latin-1"))
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + b"1\t2\r\n" * 99))
    same(tmp_path / "b.csv.gz")
    (tmp_path / "c.csv").write_text("a,b\n" + '"x\ny",2\n' * 99)
    same(tmp_path / "c.csv")
    (tmp_path / "d.csv").write_text("one column\n" + "hello\n" * 99)
    same(tmp_path / "d.csv")
    (tmp_path / "e.csv").write_text("a,b\n" + "1,2\n\n1,2,3\n" * 99)
    same(tmp_path / "e.csv", ReadOptions(on_bad_rows="skip", delimiter=","))
    (tmp_path / "f.csv").write_text("a,b\n" + "1," + "x" * 5000 + "\n2,y\n")
    same(tmp_path / "f.csv")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["1", "2.5", "-3", "007", "", "?", "x", "true", "2020-01-02", "03/04/2020", "30/04/2020"]),
        min_size=1,
        max_size=60,
    ),
    st.integers(0, 60),
)
@pytest.mark.usefixtures("short_sample")
def test_any_cells(tmp_path, drawn, nothing):
    path = csv(tmp_path, {"n": range(nothing + len(drawn)), "c": [""] * nothing + drawn})
    try:
        read(path, ReadOptions())
    except InputError:  # a number where the sample ends, and a date behind it
        refused(path)
    else:
        same(path)


# ---------------------------------------------------------------- what is wrong


@pytest.mark.usefixtures("short_sample")
@pytest.mark.parametrize(
    ("tail", "words"),
    [
        ("1,2\n", "line 302: 2 cells"),
        ("1,2,3,4\n", "line 302: 4 cells"),
        ("1,x,3\n", "line 302, column 'b'"),
        ("true,2,3\n", "line 302, column 'a'"),
        ('1,2,"y\n', "never closed"),
        ("1,2,\0\n", "NUL"),
        ("1,2,\xff\n", "not UTF-8"),
    ],
)
def test_a_bad_row_far_down_is_named(tmp_path, tail, words):
    (tmp_path / "x.csv").write_bytes(("a,b,c\n" + "1,2,z\n" * 300 + tail + "1,2,z\n" * 9).encode("latin-1"))
    refused(tmp_path / "x.csv", words)


def test_nothing_in_it(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n")
    refused(tmp_path / "x.csv", "no rows")
    (tmp_path / "y.csv").write_text("a,b\n1\n2\n")
    refused(tmp_path / "y.csv", "no rows left", options=ReadOptions(on_bad_rows="skip", delimiter=","))
    pq.write_table(mixed().slice(0, 0), tmp_path / "x.parquet")
    refused(tmp_path / "x.parquet", "no rows")
    np.save(tmp_path / "x.npy", np.zeros((0, 3)))
    refused(tmp_path / "x.npy", "no rows")
    refused(tmp_path / "none.csv", "no such file")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "is a folder")


def test_columns_that_cannot_be_used(tmp_path):
    pq.write_table(pa.table({"a": range(50), "l": [[str(n)] for n in range(50)]}), tmp_path / "x.parquet")
    refused(tmp_path / "x.parquet", "column 'l'")
    twice = pa.Table.from_arrays([pa.array(range(50))] * 2, ["a", "a"])
    with pa.ipc.new_file(tmp_path / "x.arrow", twice.schema) as writer:
        writer.write_table(twice)
    refused(tmp_path / "x.arrow", "duplicate")
    objects = np.array([["a", 1]] * 50, dtype=object)
    np.save(tmp_path / "o.npy", objects, allow_pickle=True)
    refused(tmp_path / "o.npy", "Python objects")
    np.save(tmp_path / "flat.npy", np.arange(3))
    refused(tmp_path / "flat.npy", "2-D")


def test_a_byte_that_flipped_in_a_page_far_down(tmp_path):
    table = pa.table({"a": np.random.default_rng(0).normal(size=3000)})
    path = tmp_path / "x.parquet"
    pq.write_table(table, path, row_group_size=1000, use_dictionary=False, compression=None, write_page_checksum=True)
    data = bytearray(path.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    path.write_bytes(data)
    found = read_chunks(path)
    with pytest.raises(InputError, match="truncated or damaged"):
        list(found)


@pytest.mark.parametrize("name", ["x.parquet", "x.feather", "x.npy", "x.arrows"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
def test_truncated_files(tmp_path, name, share):
    path = tmp_path / name
    table = pa.table({"a": np.random.default_rng(0).normal(size=900), "b": np.arange(900)})
    if name.endswith("npy"):
        np.save(path, np.eye(50))
    elif name.endswith("parquet"):
        pq.write_table(table, path, row_group_size=100)
    elif name.endswith("feather"):
        pyarrow.feather.write_feather(table, path, chunksize=100)
    else:
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=100)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError, match="truncated or damaged"):
        list(read_chunks(path))


def test_text_that_is_not_utf_8_in_a_parquet_file(tmp_path):
    broken = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.py_buffer(np.array([0, 1, 2, 3], np.int32)), pa.py_buffer(b"a\xffb")]
    )
    pq.write_table(pa.table({"a": broken}), tmp_path / "x.parquet")
    refused(tmp_path / "x.parquet", "truncated or damaged")


# ---------------------------------------------------------------- folders


def test_a_folder_of_parquet_files_in_order_of_their_names(tmp_path):
    table = mixed()
    for n, first in enumerate(range(0, N, 60)):
        pq.write_table(table.slice(first, 60), tmp_path / f"part-{n}.parquet")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".part-0.parquet.crc").touch()
    whole = tmp_path / "whole"
    whole.mkdir()
    pq.write_table(table, whole / "x.parquet")
    found, _ = joined(tmp_path, ReadOptions())
    assert found.equals(read(whole / "x.parquet").table)


def test_columns_of_a_folders_files_are_found_by_name(tmp_path):
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"], "c": pa.nulls(2)}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"c": [DAY] * 3, "b": ["z"] * 3, "a": [0.5] * 3}), tmp_path / "2.parquet")
    table, _ = joined(tmp_path, ReadOptions())
    assert table.to_pydict() == {"a": [1, 2, 0.5, 0.5, 0.5], "b": [*"xyzzz"], "c": [None] * 2 + [DAY] * 3}


def test_a_folder_of_files_that_differ(tmp_path):
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": ["1", "2"], "b": ["x", "y"]}), tmp_path / "2.parquet")
    with pytest.raises(InputError, match=r"2\.parquet, column 'a': text, and a number in 1\.parquet"):
        read_chunks(tmp_path)
    pq.write_table(pa.table({"a": [1, 2], "c": ["x", "y"]}), tmp_path / "2.parquet")
    with pytest.raises(InputError, match=r"2\.parquet: other columns than 1\.parquet in the same folder: 'b', 'c'"):
        read_chunks(tmp_path)
