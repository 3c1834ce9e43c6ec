"""Test which records a run gets: the official training split, the labels that data carry, memory or cache."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contramix.errors import InputError
from contramix.recipe import Recipe
from contramix.runs.pretrain import pretrain_into
from contramix.runs.source import CachedSource, MemorySource, open_source

SMALL = {"encoder.width": 4, "encoder.depth": 1, "train.batch_size": 8, "train.epochs": 1}
TABLE = pa.table({"a": [n * n % 17 / 3 for n in range(24)], "b": [n % 5 for n in range(24)], "y": ["no", "yes"] * 12})


@pytest.fixture
def images(tmp_path):
    """Return an archive of 24 images with labels, the last 8 of them an official test split."""
    draw, path, arrays = np.random.default_rng(0), tmp_path / "images.npz", {}
    for split, rows in (("train", 16), ("test", 8)):
        arrays[f"{split}_images"] = draw.integers(0, 256, (rows, 8, 8, 3), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(rows) % 2
    np.savez(path, **arrays)
    return path


def test_a_python_caller_gets_the_training_split_and_the_labels(images, tmp_path):
    recipe = Recipe.load("npair", {"train.batch_size": 8, "train.epochs": 1, "encoder.width": 4}, "image")
    source = open_source(images, recipe, tmp_path / "run")
    assert isinstance(source, MemorySource)
    assert source.table.num_rows == 16
    assert source.records.table.num_rows == 24
    assert source.target == "label"
    assert source.notes == (
        "official parts: pre-training sees the 16 images of the training part, of 24",
        "the data carry labels (2 classes), which are no input",
    )
    outcome = pretrain_into(tmp_path / "run", source, recipe)
    assert outcome.model.facts["rows"] == 16
    assert outcome.model.facts["target"] == "label"


def test_a_table_in_memory_is_used_as_it_is(tmp_path):
    pq.write_table(TABLE, tmp_path / "rows.parquet")
    recipe = Recipe.load("npair", SMALL)
    source = open_source(tmp_path / "rows.parquet", recipe, tmp_path / "run", target="y", cache="never")
    assert source.notes == ()
    assert source.table.to_pydict() == TABLE.to_pydict()
    prepared = source.prepare(tmp_path / "run", recipe)
    assert prepared.columns == ["a", "b", "y"]
    assert prepared.labels.to_pylist() == TABLE["y"].to_pylist()
    assert not (tmp_path / "run").exists()
    assert source.fingerprint(prepared) == prepared.fit.fingerprint
    with pytest.raises(ValueError, match="prepared first"):
        source.fingerprint(None)


def test_a_cached_run_is_resumed_from_its_cache(tmp_path):
    path, run = tmp_path / "rows.parquet", tmp_path / "run"
    pq.write_table(TABLE, path)
    recipe = Recipe.load("npair", SMALL)
    source = open_source(path, recipe, run, target="y", cache="always")
    assert isinstance(source, CachedSource)
    pretrain_into(run, source, recipe)
    assert isinstance(open_source(path, recipe, run, target="y"), CachedSource)
    with pytest.raises(InputError, match="holds a run on rows from a cache"):
        open_source(path, recipe, run, target="y", cache="never")
    with pytest.raises(InputError, match="goes with tables in memory only"):
        open_source(path, recipe, tmp_path / "other", transductive=path, cache="always")
    with pytest.raises(InputError, match="give 'auto', 'always' or 'never'"):
        open_source(path, recipe, tmp_path / "other", cache="perhaps")


def test_extra_rows_are_read_for_a_transductive_protocol(tmp_path):
    for name, rows in (("train", TABLE.slice(0, 12)), ("test", TABLE.slice(12))):
        pq.write_table(rows, tmp_path / f"{name}.parquet")
    recipe = Recipe.load("npair", SMALL)
    source = open_source(tmp_path / "train.parquet", recipe, tmp_path / "run", transductive=tmp_path / "test.parquet")
    assert source.extra_rows.num_rows == 12
    assert source.table.num_rows == 12
