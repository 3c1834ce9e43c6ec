"""Test that a folder of shards has the same bytes for any number of processes, order and number of interruptions."""

import json
import os

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from contramix import Recipe
from contramix.embedding import shards
from contramix.embedding.shards import ShardedOutput
from contramix.errors import InputError
from contramix.io.tables import columnar
from contramix.io.tables.csv import chunks
from contramix.models.building import build_encoder
from contramix.models.pretrained import Pretrained

N = 150


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(columnar, "ROWS", 16)
    monkeypatch.setattr(chunks, "BLOCK_BYTES", 500)
    monkeypatch.setattr(shards, "ROWS", 32)


@pytest.fixture(scope="module")
def model(mixed_spec, tmp_path_factory):
    recipe = Recipe.load("npair", {"encoder.width": 8, "encoder.depth": 2})
    folder = tmp_path_factory.mktemp("model")
    Pretrained(recipe, mixed_spec, build_encoder(recipe.encoder, mixed_spec).eval()).save(folder)
    return Pretrained.load(folder)


@pytest.fixture
def table(mixed_table):
    return pa.concat_tables([mixed_table] * 4).slice(0, N).combine_chunks()


@pytest.fixture(params=["one.parquet", "one.csv", "many"])
def path(request, tmp_path, table):
    path = tmp_path / request.param
    if request.param == "one.csv":
        pyarrow.csv.write_csv(table, path)
    elif request.param == "one.parquet":
        pq.write_table(table, path, row_group_size=25)
    else:
        path.mkdir()
        for n, (start, stop) in enumerate(((0, 40), (40, 41), (41, 100), (100, N))):
            pq.write_table(table.slice(start, stop - start), path / f"part-{n}.parquet")
    return path


def sharded(model, path, out, keep=("shop",)):
    return ShardedOutput(out, model, path, model.read_chunks(path), keep)


def made(model, path, out, part=None):
    job = sharded(model, path, out)
    job.begin()
    job.write(job.missing(part))
    return files(out)


def files(out):
    return {file.name: file.read_bytes() for file in sorted(out.iterdir())}


def test_all_shards_together_are_the_representations_in_order(model, table, path, tmp_path):
    found = made(model, path, tmp_path / "z")
    rows = [40, 1, 59, 50] if path.name == "many" else [32, 32, 32, 32, 22]
    assert list(found) == ["manifest.json", *(f"shard-{n:05d}.parquet" for n in range(len(rows)))]
    parts = [pq.read_table(tmp_path / "z" / name) for name in found if name.startswith("shard")]
    assert [part.num_rows for part in parts] == rows
    whole = pa.concat_tables(parts)
    assert whole["shop"].to_pylist() == table["shop"].to_pylist()
    z = np.stack([whole[f"e{n}"].to_numpy() for n in range(8)], axis=1)
    np.testing.assert_allclose(z, model.embed(table), rtol=1e-5, atol=1e-6)
    manifest = json.loads(found["manifest.json"])
    assert manifest["model"] == model.facts["sha256"]
    assert sum(each["rows"] for each in manifest["inputs"]) == sum(each["rows"] for each in manifest["shards"]) == N
    names = sorted(os.listdir(path)) if path.name == "many" else [path.name]
    assert [each["file"] for each in manifest["inputs"]] == names


@pytest.mark.parametrize("shards", [0, 1, 3])
def test_a_job_that_is_stopped_goes_on_at_the_first_missing_shard(model, path, tmp_path, shards):
    want = made(model, path, tmp_path / "whole")
    job = sharded(model, path, tmp_path / "z")
    job.begin()
    written = []

    def stop(rows):
        written.append(rows)
        if sum(written) > sum(shard.rows for shard in job.shards[:shards]):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job.write(job.missing(), stop)
    assert list(files(tmp_path / "z")) == ["manifest.json", *(shard.name for shard in job.shards[:shards])]
    assert made(model, path, tmp_path / "z") == want
    (tmp_path / "z" / "shard-00001.parquet").unlink()
    (tmp_path / "z" / "shard-00003.parquet").unlink()
    assert made(model, path, tmp_path / "z") == want
    assert not sharded(model, path, tmp_path / "z").missing()


@pytest.mark.parametrize("processes", [2, 3, 7])
def test_parts_of_the_shards_are_all_of_them_once(model, path, tmp_path, processes):
    want = made(model, path, tmp_path / "whole")
    parts = [f"{n}/{processes}" for n in range(processes, 0, -1)]
    job = sharded(model, path, tmp_path / "z")
    each = [shard for part in parts for shard in job.missing(part)]
    assert sorted(each) == job.shards
    for part in parts:
        found = made(model, path, tmp_path / "z", part)
    assert found == want


@pytest.mark.parametrize("part", ["0/2", "3/2", "2", "a/b", "1/0", "-1/2", ""])
def test_a_part_that_there_is_not(model, path, tmp_path, part):
    with pytest.raises(InputError, match="`shard`"):
        sharded(model, path, tmp_path / "z").missing(part)


def test_shards_of_something_else_are_not_mixed_in(model, path, table, tmp_path):
    made(model, path, tmp_path / "z", "1/2")
    with pytest.raises(InputError, match="keep differ"):
        sharded(model, path, tmp_path / "z", ["age"]).begin()
    other = Pretrained(model.recipe, model.spec, model.encoder, model.facts | {"sha256": "0"})
    with pytest.raises(InputError, match="model differ"):
        sharded(other, path, tmp_path / "z").begin()
    file = path / "part-1.parquet" if path.is_dir() else path
    os.utime(file, ns=(0, 0))
    with pytest.raises(InputError, match="inputs differ"):
        sharded(model, path, tmp_path / "z").begin()
    (tmp_path / "z" / "manifest.json").write_text("[]")
    with pytest.raises(InputError, match="differ"):
        sharded(model, path, tmp_path / "z").begin()


def test_a_folder_of_other_files_is_left_alone(model, path, tmp_path):
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "mine.txt").touch()
    with pytest.raises(InputError, match=r"is not empty \(mine\.txt\)"):
        sharded(model, path, tmp_path / "z").begin()
