"""Test that runs survive kills, interrupts and full disks, report divergence, and resume to the same bytes."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from contramix.errors import InputError, RunError
from contramix.io.tables.reading import read
from contramix.recipe import Recipe
from contramix.runs.log import read_log
from contramix.runs.pretrain import RunOptions, pretrain_into
from contramix.runs.source import MemorySource
from contramix.runtime import atomic_files


def model_bytes(out):
    return (Path(out) / "model.safetensors").read_bytes()


def quick(data, out, recipe="npair", **settings):
    chosen = Recipe.load(recipe, {"train.epochs": 3, "train.batch_size": 16} | settings)
    return pretrain_into(out, MemorySource(read(data).table, "y"), chosen, options=RunOptions(checkpoint_seconds=0.0))


def test_a_finished_run_is_left_alone(rows_csv, tmp_path):
    first = quick(rows_csv, tmp_path / "r")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "r").rglob("*.safetensors")}
    second = quick(rows_csv, tmp_path / "r")
    assert second.was_finished
    assert not first.was_finished
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "r").rglob("*.safetensors")} == before


def test_other_settings_or_data_are_refused(rows_csv, tmp_path):
    quick(rows_csv, tmp_path / "r")
    with pytest.raises(InputError, match=r"noise\.rate"):
        quick(rows_csv, tmp_path / "r", **{"noise.rate": 0.5})
    other = tmp_path / "other.csv"
    other.write_text(rows_csv.read_text().replace("red", "rod"))
    with pytest.raises(InputError, match="other data"):
        quick(other, tmp_path / "r")


@pytest.mark.parametrize(("factor", "resumes"), [(1 + 1e-9, True), (1 + 1e-3, False)])
def test_a_run_resumes_where_another_processor_rounded_its_statistics_differently(rows_csv, tmp_path, factor, resumes):
    quick(rows_csv, tmp_path / "r")
    path = tmp_path / "r" / "spec.json"
    spec = json.loads(path.read_text())
    column = next(column for column in spec["columns"] if column["kind"] == "numeric")
    column["mean"] *= factor
    path.write_text(json.dumps(spec))
    if resumes:
        assert quick(rows_csv, tmp_path / "r").was_finished
    else:
        with pytest.raises(InputError, match="other data"):
            quick(rows_csv, tmp_path / "r")


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(rows_csv, tmp_path, monkeypatch):
    from contramix.methods.npair import NPairMethod

    real, calls = NPairMethod.loss, []

    def loss(self, views):
        calls.append(1)
        return real(self, views) * (float("nan") if len(calls) == 7 else 1.0)

    monkeypatch.setattr(NPairMethod, "loss", loss)
    with pytest.raises(RunError, match=r"not finite at step 7 .*train\.lr"):
        quick(rows_csv, tmp_path / "r")
    names = sorted(p.name for p in (tmp_path / "r" / "checkpoint").glob("step-*"))
    assert names[-1].startswith("step-0000000006")
    monkeypatch.setattr(NPairMethod, "loss", real)
    resumed = quick(rows_csv, tmp_path / "r")
    assert resumed.resumed_from == 6
    whole = quick(rows_csv, tmp_path / "whole")
    assert model_bytes(tmp_path / "r") == model_bytes(tmp_path / "whole")
    assert whole.resumed_from is None


def test_log_and_config_tell_what_was_done(rows_csv, tmp_path):
    quick(rows_csv, tmp_path / "r")
    log = read_log(tmp_path / "r")
    assert [line["step"] for line in log] == list(range(1, 13))
    assert all(np.isfinite(line["loss"]) for line in log)
    config = json.loads((tmp_path / "r" / "config.json").read_text())
    assert config["steps"] == 12
    assert config["seed"] == 0
    assert config["environment"]["threads"] >= 1
    expected = [
        "recipe.toml",
        "spec.json",
        "run.json",
        "log.jsonl",
        "checkpoint",
        "model.safetensors",
        "config.json",
        "DONE",
    ]
    assert {p.name for p in (tmp_path / "r").iterdir()} - {".lock"} == set(expected)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "f"
    atomic_files.write(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="no space left"):
        atomic_files.write(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
