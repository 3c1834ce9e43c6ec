"""Test that a cached table trains as in memory, and test resuming, interrupts, full disks and cleaning up."""

import errno
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import torch

from contramix.cli import main
from contramix.domains.table.unread_table import UnreadTable
from contramix.errors import InputError, RunError
from contramix.io.options import ReadOptions
from contramix.io.tables import columnar
from contramix.io.tables.reading import read
from contramix.models.pretraining import Fit, learn_spec, noise_pool
from contramix.monitoring.alarms import Alarms
from contramix.monitoring.health import Health, monitored_rows
from contramix.recipe import Recipe
from contramix.runs import table_cache
from contramix.runs.log import read_log
from contramix.runs.pretrain import RunOptions, pretrain_into
from contramix.runs.source import CachedSource, MemorySource
from contramix.runs.table_cache import CacheProgress, open_cache
from contramix.runtime import atomic_files
from contramix.runtime.signals import Interrupted
from contramix.samples.samples import compute_fingerprint
from contramix.training.reporter import Reporter

ROWS = 400
SMALL = {"encoder.width": 8, "encoder.depth": 2, "train.batch_size": 32, "train.epochs": 2}


def table(rows=ROWS, seed=0):
    draw = np.random.default_rng(seed)
    town = pa.array([f"t{n}" if n < 5 else None for n in draw.integers(0, 6, rows)], pa.large_string())
    return pa.table(
        {
            "a": draw.normal(3, 2, rows),
            "b": draw.integers(0, 50, rows),
            "red": (draw.integers(0, 2, rows) == 0).astype(np.int64),
            "town": town,
            "y": pa.array(["no", "yes"] * (rows // 2)),
            "id": np.arange(rows),
        }
    )


@pytest.fixture(autouse=True)
def _portions_are_small(monkeypatch):
    monkeypatch.setattr(columnar, "ROWS", 64)


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(table(), path)
    return path


def large(path, **how):
    return UnreadTable(path, ReadOptions(), Recipe.load("imix-npair", how).data)


def begin(folder, path, seed=0, progress=CacheProgress()):
    folder.mkdir(exist_ok=True)
    return open_cache(folder, large(path), "y", lambda rows: monitored_rows(rows, seed), progress)


class OnProgress(Reporter):
    """Call a function with each progress text."""

    def __init__(self, call):
        self.progress = call


def into(run, path, recipe="imix-npair", **more):
    return pretrain_into(run, CachedSource(large(path), "y"), Recipe.load(recipe, SMALL), **more)


def test_rows_and_what_is_learned_are_those_in_memory(data, tmp_path):
    cached = begin(tmp_path / "run", data)
    spec, notes = learn_spec(read(data).table, Recipe.load("imix-npair"), "y")
    x = spec.tensorize(read(data).table)
    assert cached.spec.kinds == spec.kinds
    assert cached.notes == notes
    assert cached.x.shape == tuple(x.shape)
    torch.testing.assert_close(cached.x[torch.arange(ROWS)], x, rtol=0, atol=1e-6)
    assert torch.equal(cached.x[torch.tensor([5, 3])], cached.x[:6][[5, 3]])
    assert torch.equal(cached.x[torch.arange(ROWS) == 7], cached.x[7:8])
    assert cached.x.fingerprint == compute_fingerprint(cached.x[:])
    assert cached.labels.to_pylist() == read(data).table["y"].take(monitored_rows(ROWS, 0).numpy()).to_pylist()
    assert np.load(tmp_path / "run" / "cache" / "rows.npy").shape == (ROWS, x.shape[1])


@pytest.mark.parametrize("name", ["imix-npair", "scarf", "imix-moco"])
def test_training_is_that_in_memory(data, tmp_path, name):
    recipe = Recipe.load(name, SMALL | {"train.recalibrate_bn": True})
    cached, rows = begin(tmp_path / "run", data), read(data).table
    # The same last digits of the statistics, so that all that follows must be the same to the bit.
    whole = cached.spec.tensorize(rows)
    fits = [Fit.begin(recipe, cached.spec, x, seed=3) for x in (whole, cached.x)]
    healths = [
        Health(fits[0], rows["y"]),
        Health(fits[1], rows["y"].take(pa.array(monitored_rows(ROWS, 3).numpy())).combine_chunks()),
    ]
    seen = []
    for fit, health in zip(fits, healths):
        alarms = Alarms(fit)
        for step in fit.steps():
            if step.step in health.due:
                alarms.update(health.read(step))
        seen.append(([reading.flat() for reading in alarms.readings], fit.finish().encoder.state_dict()))
    assert seen[0][0] == seen[1][0]
    assert all(torch.equal(value, seen[1][1][key]) for key, value in seen[0][1].items())


def test_noise_draws_from_a_sample_of_the_rows_of_a_cache(data, tmp_path, monkeypatch):
    from contramix.models import pretraining

    cached = begin(tmp_path / "run", data)
    encoder = Fit.begin(Recipe.load("scarf", SMALL), cached.spec, cached.x, seed=0).encoder
    assert torch.equal(noise_pool(encoder, cached.x), cached.x[:])
    monkeypatch.setattr(pretraining, "POOL_NUMBERS", 70 * cached.x.shape[1])
    pool = noise_pool(encoder, cached.x)
    assert pool.shape == (64, cached.x.shape[1])
    places = [int((cached.x[:] == row).all(1).nonzero()[0, 0]) for row in pool]
    assert len(set(places)) == 64
    assert max(places) - min(places) > ROWS / 2


def test_a_run_ends_as_any_other_and_its_cache_goes(data, tmp_path):
    progress = []
    outcome = into(tmp_path / "run", data, reporter=OnProgress(progress.append))
    assert not (tmp_path / "run" / "cache").exists()
    assert (tmp_path / "run" / "DONE").is_file()
    assert outcome.model.facts["rows"] == ROWS
    assert outcome.model.facts["features"] == ["a", "b", "red", "town", "id"]
    assert "knn" in outcome.model.facts["health"]
    assert any(text.startswith("learning the columns: 64 of 400") for text in progress)
    assert any(text.startswith("writing the cache: 400 of 400") for text in progress)
    assert outcome.model.embed(read(data).table).shape == (ROWS, 8)
    losses = [line["loss"] for line in read_log(tmp_path / "run")]
    here = pretrain_into(tmp_path / "here", MemorySource(read(data).table, "y"), Recipe.load("imix-npair", SMALL))
    np.testing.assert_allclose(losses, [line["loss"] for line in read_log(tmp_path / "here")], rtol=1e-4)
    assert here.loss == pytest.approx(outcome.loss, rel=1e-4)
    again = into(tmp_path / "run", data)
    assert again.was_finished
    pq.write_table(table(seed=1), data)
    with pytest.raises(InputError, match="other data"):
        into(tmp_path / "run", data)


class StopError(Exception):
    pass


class StopAt(Reporter):
    """Stop training when a step has been taken."""

    def __init__(self, step):
        self.step = step

    def steps(self, title, plan, start, steps):
        for taken in steps:
            if taken.step == self.step:
                raise StopError
            yield taken


def test_a_resumed_run_takes_the_cache_as_it_is_and_ends_with_the_same_bytes(data, tmp_path, monkeypatch):
    into(tmp_path / "whole", data)
    with pytest.raises(StopError):
        into(tmp_path / "run", data, reporter=StopAt(9), options=RunOptions(checkpoint_seconds=0.0))
    assert (tmp_path / "run" / "cache" / "cache.json").is_file()

    def never(*_):
        raise AssertionError("the cache must not be written again")

    with monkeypatch.context() as patch:
        patch.setattr(table_cache, "_write", never)
        outcome = into(tmp_path / "run", data)
    assert outcome.resumed_from
    models = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "run")]
    assert models[0] == models[1]


def test_a_cache_that_does_not_match_is_written_anew_and_other_data_are_refused(data, tmp_path):
    with pytest.raises(StopError):
        into(tmp_path / "run", data, reporter=StopAt(9), options=RunOptions(checkpoint_seconds=0.0))
    place = tmp_path / "run" / "cache"
    # Touched, cut short, damaged: the same rows are written again, and the run goes on.
    os.utime(data)
    with pytest.raises(StopError):
        into(tmp_path / "run", data, reporter=StopAt(12), options=RunOptions(checkpoint_seconds=0.0))
    with (place / "rows.npy").open("r+b") as file:
        file.truncate(100)
    with pytest.raises(StopError):
        into(tmp_path / "run", data, reporter=StopAt(14), options=RunOptions(checkpoint_seconds=0.0))
    (place / "cache.json").write_text("{")
    (place / ".tmp-killed").write_bytes(b"x")
    with pytest.raises(StopError):
        into(tmp_path / "run", data, reporter=StopAt(16), options=RunOptions(checkpoint_seconds=0.0))
    assert not list(place.glob(f"{atomic_files.TEMPORARY}*"))
    pq.write_table(table(seed=1), data)
    with pytest.raises(InputError, match="other data"):
        into(tmp_path / "run", data)


@pytest.mark.parametrize("at", [1, 5])
def test_a_full_disk_leaves_no_cache_behind(data, tmp_path, monkeypatch, at):
    from contramix.domains.table.spec import TableSpec

    real, calls = TableSpec.tensorize, []

    def full(self, chunk, first=0):
        calls.append(first)
        if len(calls) == at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, chunk, first)

    monkeypatch.setattr(TableSpec, "tensorize", full)
    with pytest.raises(RunError, match="no space left"):
        into(tmp_path / "run", data)
    assert not (tmp_path / "run" / "cache").exists()
    monkeypatch.setattr(TableSpec, "tensorize", real)
    assert into(tmp_path / "run", data).loss


def test_a_disk_that_is_too_small_is_seen_before(data, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((1, 1, 0, 0, 1000, 0, 0, 0, 0, 255)))
    with pytest.raises(InputError, match=r"for the rows that do not fit into memory, and 0 MB are free"):
        into(tmp_path / "run", data)
    assert not (tmp_path / "run" / "cache").exists()


def test_rows_that_change_while_they_are_read_are_noticed(data, tmp_path):
    def shorten(text):
        if text.startswith("learning the columns: 400"):
            pq.write_table(table().slice(0, 300), data)

    with pytest.raises(InputError, match=r"changed while they were read|damaged"):
        begin(tmp_path / "run", data, progress=CacheProgress(OnProgress(shorten)))
    assert not (tmp_path / "run" / "cache").exists()


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        main(["pretrain", *map(str, arguments), *(f"--set={name}={value}" for name, value in SMALL.items())])
    shown = capsys.readouterr()
    return end.value.code, shown.out, shown.err


def test_on_the_command_line(data, tmp_path, capsys, monkeypatch):
    rows = tmp_path / "rows.csv"
    pyarrow.csv.write_csv(table(), rows)
    code, out, err = call(capsys, rows, "--out", tmp_path / "run", "--target", "y", "--cache", "always", "--json")
    assert code == 0, err
    assert json.loads(out)["rows"] == ROWS
    assert f"4 columns x 400 rows, 0.0 MB: written once to {tmp_path / 'run' / 'cache'} and read from there" in err
    assert "column 'id' is left out" in err
    code, out, err = call(capsys, rows, "--out", tmp_path / "run", "--target", "y", "--json")
    assert (code, json.loads(out)["already_finished"]) == (0, True)
    code, _, err = call(capsys, rows, "--out", tmp_path / "run", "--target", "y", "--cache", "never")
    assert code == 2
    assert "holds a run on rows from a cache" in err
    assert call(capsys, rows, "--out", tmp_path / "no", "--cache", "perhaps")[0] == 2
    # What fits is read into memory, and what does not is not.
    for free, written in ((10**9, False), (10**4, True)):
        monkeypatch.setattr("contramix.runtime.memory.available", lambda free=free: free)
        code, _, err = call(capsys, data, "--out", tmp_path / f"auto{free}", "--target", "y")
        assert code == 0, err
        assert ("written once" in err) == written


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("phase", ["learning the columns", "writing the cache"])
def test_a_signal_stops_in_each_phase_and_the_run_can_be_begun_again(data, tmp_path, number, code, phase):
    def interrupt(text):
        if text.startswith(f"{phase}: 128 of"):
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught:
        into(tmp_path / "run", data, reporter=OnProgress(interrupt))
    assert caught.value.exit_code == code
    assert signal.getsignal(number) == before
    assert not (tmp_path / "run" / "cache").exists()
    assert begin(tmp_path / "run", data).x.shape[0] == ROWS


def test_killed_while_the_cache_is_written(data, tmp_path):
    program = f"""
import os, sys
from contramix.runs import table_cache
from contramix.io.tables import columnar
columnar.ROWS = 64
real = table_cache.CacheProgress.iterate
def over(self, found, what):
    for n, chunk in enumerate(real(self, found, what)):
        if what == "writing the cache" and n == 3:
            os.kill(os.getpid(), {int(signal.SIGKILL)})
        yield chunk
table_cache.CacheProgress.iterate = over
from contramix.cli import main
main(sys.argv[1:])
"""
    run = tmp_path / "run"
    arguments = ["pretrain", str(data), "--out", str(run), "--target", "y", "--cache", "always", "--quiet"]
    assert subprocess.run([sys.executable, "-c", program, *arguments]).returncode == -signal.SIGKILL
    assert list((run / "cache").glob(f"{atomic_files.TEMPORARY}*"))
    assert into(run, data).loss
    assert not list(run.rglob(f"{atomic_files.TEMPORARY}*"))
