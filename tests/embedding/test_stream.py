"""Test that streamed files of representations equal those computed at once, and are complete or absent."""

import io
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import torch

from contramix import Recipe
from contramix.embedding import writers
from contramix.embedding.stream import BUFFERED, embed_rows, read_ahead, single_threaded_batches, write_rows
from contramix.errors import InputError, RunError
from contramix.io.records import RecordChunks
from contramix.io.tables import columnar
from contramix.io.tables.csv import chunks
from contramix.models.building import build_encoder
from contramix.models.pretrained import Pretrained
from contramix.runtime import atomic_files

ROWS = 16
N = 150


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(columnar, "ROWS", ROWS)
    monkeypatch.setattr(chunks, "BLOCK_BYTES", 500)
    monkeypatch.setattr(writers, "ROW_GROUP_NUMBERS", 8 * 20)


@pytest.fixture(scope="module")
def model(mixed_spec):
    recipe = Recipe.load("npair", {"encoder.width": 8, "encoder.depth": 2})
    return Pretrained(recipe, mixed_spec, build_encoder(recipe.encoder, mixed_spec).eval())


@pytest.fixture
def table(mixed_table):
    rows = pa.concat_tables([mixed_table] * 4).slice(0, N).combine_chunks()
    return rows.append_column("id", pa.array([f"={n}" if n % 3 else None for n in range(N)], pa.large_string()))


@pytest.fixture
def path(tmp_path, table):
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=61)
    return tmp_path / "x.parquet"


def embedded(model, path, out, keep=(), batch_size=7):
    data = model.read_chunks(path)
    found = embed_rows(model, data, 0, data.rows, batch_size)
    write_rows(out, keep, data, model.encoder.width, data.rows, found)
    return out


def numbers(table):
    return np.stack([table[f"e{n}"].to_numpy() for n in range(8)], axis=1)


def test_parquet(model, table, path, tmp_path):
    found = pq.read_table(embedded(model, path, tmp_path / "z.parquet", ["id", "age"]))
    assert found.column_names == ["id", "age", *[f"e{n}" for n in range(8)]]
    assert found["id"].to_pylist() == table["id"].to_pylist()
    assert found["age"].to_pylist() == table["age"].to_pylist()
    assert {str(found.schema.field(f"e{n}").type) for n in range(8)} == {"float"}
    np.testing.assert_allclose(numbers(found), model.embed(table), rtol=1e-5, atol=1e-6)
    groups = pq.ParquetFile(tmp_path / "z.parquet").metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [20] * 7 + [10]


def test_npy_is_what_numpy_writes(model, table, path, tmp_path):
    z = model.embed(table, batch_size=7)
    want = io.BytesIO()
    np.save(want, np.concatenate([model.embed(table.slice(n, ROWS), 7) for n in range(0, N, ROWS)]))
    assert embedded(model, path, tmp_path / "z.npy").read_bytes() == want.getvalue()
    np.testing.assert_allclose(np.load(tmp_path / "z.npy"), z, rtol=1e-5, atol=1e-6)


def test_csv_is_what_arrow_writes_of_the_whole(model, table, path, tmp_path):
    z = np.load(embedded(model, path, tmp_path / "z.npy"))
    ids = [None if cell is None else f"'{cell}" for cell in table["id"].to_pylist()]
    want = io.BytesIO()
    columns = {"id": pa.array(ids)} | {f"e{n}": z[:, n] for n in range(8)}
    pyarrow.csv.write_csv(pa.table(columns), want)
    assert embedded(model, path, tmp_path / "z.csv", ["id"]).read_bytes() == want.getvalue()


def test_a_csv_of_the_same_rows_gives_the_same_file(model, table, path, tmp_path):
    keep = ["id", "shop"]
    pyarrow.csv.write_csv(table, tmp_path / "x.csv")
    of_csv = embedded(model, tmp_path / "x.csv", tmp_path / "of csv.parquet", keep).read_bytes()
    assert of_csv == embedded(model, path, tmp_path / "z.parquet", keep).read_bytes()


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".npy"])
def test_a_bad_row_far_down_is_counted_from_the_first_and_leaves_nothing(model, table, tmp_path, ending):
    ages = table["age"].to_pylist()
    ages[101] = float("inf")
    at = table.schema.get_field_index("age")
    pq.write_table(table.set_column(at, "age", pa.array(ages)), tmp_path / "bad.parquet")
    out = tmp_path / f"z{ending}"
    out.write_text("what was there before")
    with pytest.raises(InputError, match=r"column 'age', row 102: infinite"):
        embedded(model, tmp_path / "bad.parquet", out)
    assert out.read_text() == "what was there before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bad.parquet", out.name]


@pytest.mark.parametrize("kind", writers.EMBEDDING_FILES)
@pytest.mark.parametrize("when", ["add", "close"])
def test_a_full_disk_leaves_nothing(model, path, tmp_path, monkeypatch, kind, when):
    original = getattr(writers.EMBEDDING_FILES[kind], when)
    calls = []

    def full(self, *given):
        calls.append(1)
        if len(calls) == (3 if when == "add" else 1):
            raise OSError(28, "No space left on device")
        return original(self, *given)

    monkeypatch.setattr(writers.EMBEDDING_FILES[kind], when, full)
    with pytest.raises(RunError, match="no space left for"):
        embedded(model, path, tmp_path / f"z{kind}")
    assert [file.name for file in tmp_path.iterdir()] == ["x.parquet"]


def test_what_a_killed_writer_left_goes_with_the_next_one_of_that_name_alone(tmp_path):
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom contramix.runtime import atomic_files\n"
        "held = [atomic_files.writing(Path(name), 4) for name in sys.argv[1:]]\n"
        "for each in held:\n    each.__enter__().write(b'half')\nos._exit(9)\n"
    )
    names = [str(tmp_path / name) for name in ("z.parquet", "other.parquet")]
    assert subprocess.run([sys.executable, "-c", script, *names], check=False).returncode == 9
    assert len(list(tmp_path.iterdir())) == 2
    with atomic_files.writing(tmp_path / "z.parquet", 4) as file:
        file.write(b"whole")
        assert len(list(tmp_path.iterdir())) == 2
    assert (tmp_path / "z.parquet").read_bytes() == b"whole"
    left = [file.name for file in tmp_path.iterdir() if file.name != "z.parquet"]
    assert len(left) == 1
    assert left[0].startswith(atomic_files.TEMPORARY)


def test_a_name_as_long_as_a_name_may_be(model, path, tmp_path):
    out = embedded(model, path, tmp_path / ("z" * 247 + ".parquet"))
    assert pq.read_metadata(out).num_rows == N


def test_few_portions_are_held_at_a_time(model, table, tmp_path):
    made, done, most = 0, 0, 0

    def between(start, stop):
        nonlocal made, most
        for first in range(start, stop, ROWS):
            made += 1
            most = max(most, made - done // ROWS)
            yield table.slice(first % 96, min(ROWS, stop - first))

    def told(rows):
        nonlocal done
        done += rows

    data = RecordChunks(table.schema, 100 * ROWS, between)
    found = embed_rows(model, data, 0, data.rows)
    write_rows(tmp_path / "z.npy", [], data, 8, data.rows, found, told)
    assert (made, done) == (100, 100 * ROWS)
    assert most <= BUFFERED + 2


def test_ahead_keeps_the_order_works_elsewhere_and_hands_on_what_goes_wrong():
    threads = set()

    def items():
        for n in range(20):
            threads.add(threading.get_ident())
            yield n
        raise ValueError("at the end")

    found = read_ahead(items())
    assert [next(found) for _ in range(20)] == list(range(20))
    with pytest.raises(ValueError, match="at the end"):
        next(found)
    assert threading.get_ident() not in threads


def test_a_folder_that_is_not_there(model, path, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        embedded(model, path, Path(tmp_path / "none" / "z.npy"))


def test_threads_are_what_they_were():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for device, wanted in (("cpu", (2, 1)), ("meta", (1, 2))):
            with single_threaded_batches(torch.device(device)) as workers:
                assert (workers, torch.get_num_threads()) == wanted
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
