"""Test tables in files of every format: their contents and the errors."""

import gzip
import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from contramix.io.tables.reading import read

REAL = Path(__file__).parents[3].parent / "shared" / "data"
NUMBERS = "a,b\n" + "".join(f"{i},{i}.5\n" for i in range(100))


def real(name):
    path = REAL / name
    if not path.exists():
        pytest.skip(f"needs the real file {name} in a folder shared/data beside the repository")
    return path


def test_real_adult():
    path = real("adult/adult.data.csv.gz")
    records = read(path)
    table, notes = records.table, records.notes
    assert table.shape == (32561, 15)
    assert [str(t) for t in table.schema.types].count("int64") == 6
    assert "no header" in notes[0]
    assert "`header=True`" in notes[0]
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
    records = read(real(name))
    table, notes = records.table, records.notes
    assert table.shape == shape
    assert (found in notes[0]) if found else not notes
    want = pd.read_csv(real(name), sep=None, engine="python", header=None if found == "no header" else 0)
    assert [c.null_count for c in table.columns] == want.isna().sum().tolist()
    for column, series in zip(table.columns, want.items(), strict=True):
        assert column.drop_null().to_pylist() == series[1].dropna().tolist(), series[0]


def test_t23_many_columns(csv_file, monkeypatch, one_line_error):
    wide = ",".join(f"c{j}" for j in range(10_000)) + "\n" + (",".join(["1"] * 10_000) + "\n") * 5
    assert read(csv_file(wide)).table.shape == (5, 10_000)
    too_wide = ",".join(f"c{j}" for j in range(50_001)) + "\n" + ",".join(["1"] * 50_001) + "\n"
    one_line_error(csv_file(too_wide), "50001 columns", "50000")


def parquet_bytes(**options):
    stream = io.BytesIO()
    rng = np.random.default_rng(0)
    pq.write_table(pa.table({"a": rng.normal(size=5000), "b": rng.integers(0, 9, 5000)}), stream, **options)
    return stream.getvalue()


def test_t24_broken_parquet(csv_file, one_line_error):
    whole = parquet_bytes()
    assert read(csv_file(whole, "fine.parquet")).table.shape == (5000, 2)
    assert read(csv_file(whole, "misnamed.csv")).table.shape == (5000, 2)
    for cut in (5, len(whole) // 2, len(whole) - 1):
        one_line_error(csv_file(whole[:cut], "cut.parquet"), "truncated or damaged")
    one_line_error(csv_file(NUMBERS, "text.parquet"), "not a Parquet file", "rename it to .csv")
    one_line_error(csv_file(gzip.compress(whole), "packed.parquet"), "unpack it")
    one_line_error(csv_file(b"PAR1", "stub.parquet"), "not a Parquet file")


def test_a_column_called_par1(csv_file, cells):
    assert cells(csv_file("PAR1,PAR2\n1,2\n")) == {"PAR1": [1], "PAR2": [2]}


def test_t25_a_flipped_byte_in_a_checked_parquet_page(csv_file, one_line_error):
    damaged = bytearray(parquet_bytes(write_page_checksum=True, compression="none", use_dictionary=False))
    damaged[20_000] ^= 1
    one_line_error(csv_file(damaged, "flipped.parquet"), "damaged")


def test_t27_columns_of_other_types_in_files(tmp_path, one_line_error):
    path = tmp_path / "nested.parquet"
    pq.write_table(pa.table({"fine": [1], "odd": [["a", "b"]]}), path)
    one_line_error(path, "'odd'", "list", "drop the column")


def test_no_rows_in_binary_formats(tmp_path, one_line_error):
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
def test_arrow_files_and_streams(csv_file, opener, one_line_error, cells):
    whole = arrow_bytes(opener)
    for name in ("t.arrow", "t.csv", "t"):
        assert cells(csv_file(whole, name))["a"] == list(range(1000))
    for cut in (20, len(whole) // 2):
        one_line_error(csv_file(whole[:cut], "t.arrow"), "truncated or damaged")
    one_line_error(csv_file(NUMBERS, "text.feather"), "not a Arrow IPC file")


def test_arrow_buffers_are_checked(csv_file, one_line_error):
    whole = bytearray(arrow_bytes(pa.ipc.new_file))
    place = whole.find(b"x" * 1000)
    whole[place] = 0xFF
    one_line_error(csv_file(whole, "t.arrow"), "damaged")


def test_npy_and_npz(tmp_path, cells):
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


def test_broken_npy_and_npz(tmp_path, one_line_error, written):
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


def test_nothing_is_unpickled(tmp_path, one_line_error):
    objects = np.empty((1, 1), dtype=object)
    objects[0, 0] = Bomb(tmp_path / "exploded")
    np.save(tmp_path / "o.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "o.npz", o=objects)
    (tmp_path / "o.csv").write_bytes(pickle.dumps(objects))
    for name in ("o.npy", "o.npz", "o.csv"):
        one_line_error(tmp_path / name, "pickle")
    assert not (tmp_path / "exploded").exists()


def test_f12_any_file_name(tmp_path, one_line_error):
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
