"""Test `contramix embed` into a folder of shards: with one process, with several, and with Ray."""

import importlib.util
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def folder(finished):
    """The rows of people.csv as a folder of three files."""
    table = pyarrow.csv.read_csv("people.csv")
    Path("people").mkdir()
    for n, first in enumerate((0, 25, 26)):
        pq.write_table(table.slice(first, (25, 26, 60)[n] - first), f"people/{n}.parquet")
    return finished


def shards(name):
    return {path.name: path.read_bytes() for path in sorted(Path(name).iterdir())}


def test_a_folder_of_files_as_one_file_and_as_shards(folder, run):
    run.done("embed", "run", "people.csv", "--out", "one.parquet", "--keep", "job")
    run.done("embed", "run", "people", "--out", "z.parquet", "--keep", "job")
    told = json.loads(run.done("embed", "run", "people", "--out", "z/", "--keep", "job", "--json").out)
    assert (told["rows"], told["shards"], told["written"], told["missing"]) == (60, 3, 3, 0)
    one, parts = pq.read_table("one.parquet"), [pq.read_table(path) for path in sorted(Path("z").glob("*.parquet"))]
    assert [part.num_rows for part in parts] == [25, 1, 34]
    for found in (pq.read_table("z.parquet"), pa.concat_tables(parts)):
        assert found.schema == one.schema
        assert found["job"].to_pylist() == one["job"].to_pylist()
        for n in range(8):
            assert found[f"e{n}"].to_pylist() == pytest.approx(one[f"e{n}"].to_pylist(), rel=1e-5, abs=1e-6)


def test_several_processes_and_one_make_the_same_shards(folder, run):
    run.done("embed", "run", "people", "--out", "whole")
    told = run.done("embed", "run", "people", "--out", "z", "--shard", "2/2")
    assert "2 of 3 shards written, 1 still missing" in told.out
    assert set(shards("z")) < set(shards("whole"))
    run.done("embed", "run", "people", "--out", "z", "--shard", "1/2")
    assert shards("z") == shards("whole")
    again = json.loads(run.done("embed", "run", "people", "--out", "z", "--json").out)
    assert (again["written"], again["missing"]) == (0, 0)


def test_what_cannot_be(folder, run):
    ask = ("embed", "run", "people", "--out")
    run.refused(*ask, "z.parquet", "--shard", "1/2").says("--shard", "without an ending")
    run.refused(*ask, "z.parquet", "--engine", "ray").says("--engine", "without an ending")
    run.refused(*ask, "z", "--engine", "spark").says("--engine 'spark'", "local, ray")
    run.refused(*ask, "z", "--shard", "3/2").says("--shard 3/2", "1/8")
    run.refused(*ask, "people/z.parquet").says("--out people/z.parquet", "one more file of the data in people")
    run.refused(*ask, "people").says("--out people", "is the folder of the data themselves")
    run.refused(*ask, "run").says("--out run", "is not empty", "manifest.json")
    run.refused(*ask, "nowhere/z").says("--out nowhere/z", "the folder nowhere is not there")
    run.refused("embed", "run", "people.csv", "--out", "z", "--keep", "jobb").says("'jobb'")
    table = pq.read_table("people/2.parquet")
    pq.write_table(table.rename_columns(["age", "job", "since", "member", "label"]), "people/2.parquet")
    run.refused(*ask, "z").says("people/2.parquet", "other columns than 0.parquet", "'label'", "'y'")


def test_a_bad_row_in_a_file_of_a_folder_is_counted_from_the_first_of_all(folder, run):
    table = pq.read_table("people/2.parquet")
    ages = [float("inf") if n == 3 else 40.0 for n in range(table.num_rows)]
    pq.write_table(table.set_column(0, "age", pa.array(ages)), "people/2.parquet")
    run.refused("embed", "run", "people", "--out", "z.npy").says("column 'age', row 30", "infinite")
    result = run.call("embed", "run", "people", "--out", "z")
    assert (result.code, len(result.lines)) == (2, 1)
    assert list(shards("z")) == ["manifest.json", "shard-00000.parquet", "shard-00001.parquet"]


@pytest.mark.timeout(1200)  # Ray starts some ten processes, each of which imports it
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray: pip install 'contramix[ray]'")
def test_ray_makes_the_same_shards(folder, run):
    run.done("embed", "run", "people", "--out", "z", "--keep", "job", "--shard", "1/3")
    told = run.done("embed", "run", "people", "--out", "z", "--keep", "job", "--engine", "ray", "--json", "--quiet")
    assert json.loads(told.out)["written"] == 2
    run.done("embed", "run", "people", "--out", "local", "--keep", "job")
    assert shards("z") == shards("local")


def test_ray_where_it_is_not_installed(folder, run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    result = run.call("embed", "run", "people", "--out", "z", "--engine", "ray")
    assert result.code == 2
    result.says("--engine ray needs ray[data]", "contramix[ray]")
