"""Test that runs that are killed, interrupted or out of disk space resume to the same bytes."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contramix.runs.log import read_log
from contramix.runtime import atomic_files

EPOCHS = 80


def call(data, out, *more, epochs=EPOCHS):
    arguments = ["-m", "contramix.cli", "pretrain", str(data), "--out", str(out), "--target", "y", "--quiet"]
    arguments += ["--recipe", "imix-moco", "--epochs", str(epochs), "--set", "train.batch_size=16", *more]
    return [sys.executable, *arguments]


def model_bytes(out):
    return (Path(out) / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def uninterrupted(rows_csv, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    subprocess.run(call(rows_csv, out), check=True)
    return model_bytes(out)


def test_killed_ten_times_at_random_moments_ends_with_the_same_bytes(rows_csv, uninterrupted, tmp_path):
    out, dice = tmp_path / "run", random.Random(0)
    killed, reached = 0, []
    for attempt in range(10):
        before = set((out / "checkpoint").glob("step-*"))
        process = subprocess.Popen(call(rows_csv, out, "--checkpoint-seconds", "0.02"))
        # Two in ten die while they import or read; the others once they have trained on from a checkpoint.
        while attempt % 5 and process.poll() is None and set((out / "checkpoint").glob("step-*")) == before:
            time.sleep(0.002)
        time.sleep(dice.uniform(0, 0.1) if attempt % 5 else dice.uniform(0, 2))
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        reached.append(max((int(p.name[5:15]) for p in (out / "checkpoint").glob("step-*")), default=0))
    assert killed >= 8, "the run must have been alive when it was killed"
    assert len(set(reached)) >= 5, "kills must have fallen at different steps"
    subprocess.run(call(rows_csv, out), check=True)
    assert model_bytes(out) == uninterrupted
    assert not list(out.rglob(f"{atomic_files.TEMPORARY}*"))
    steps = [line["step"] for line in read_log(out)]
    assert steps == sorted(set(steps))
    assert steps[-1] == EPOCHS * len(rows_csv.read_text().splitlines()[1:]) // 16


def test_killed_inside_a_checkpoint_write_goes_on_from_the_one_before(rows_csv, uninterrupted, tmp_path):
    out = tmp_path / "run"
    # The third checkpoint is half written when the process is killed, before and after the bytes are synced.
    for place in ("fsync", "replace"):
        shutil.rmtree(out, ignore_errors=True)
        code = f"""
import os, signal, sys
from contramix.runtime import atomic_files
real, seen = os.{place}, 0
def dying(*a, **k):
    global seen
    path = a[1] if "{place}" == "replace" else os.readlink(f"/proc/self/fd/{{a[0]}}")
    if "checkpoint" in str(path):
        seen += 1
        if seen == 3:
            os.kill(os.getpid(), signal.SIGKILL)
    return real(*a, **k)
os.{place} = dying
from contramix.cli import main
main(sys.argv[1:])
"""
        arguments = call(rows_csv, out, "--checkpoint-seconds", "0")[3:]
        assert subprocess.run([sys.executable, "-c", code, *arguments]).returncode == -signal.SIGKILL
        whole = list((out / "checkpoint").glob("step-*"))
        assert whole
        assert list((out / "checkpoint").glob(f"{atomic_files.TEMPORARY}*"))
        subprocess.run(call(rows_csv, out), check=True)
        assert model_bytes(out) == uninterrupted


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_stop_with_a_checkpoint_and_the_run_can_go_on(rows_csv, uninterrupted, tmp_path, number, code):
    out = tmp_path / "run"
    process = subprocess.Popen(call(rows_csv, out, "--checkpoint-seconds", "0.01"), stderr=subprocess.PIPE, text=True)
    while not (out / "checkpoint").exists() and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(number)
    assert process.wait(timeout=60) == code
    assert process.stderr.read().startswith("error: interrupted; run the same command again")
    assert not (out / "DONE").exists()
    subprocess.run(call(rows_csv, out), check=True)
    assert model_bytes(out) == uninterrupted


def test_no_room_in_the_middle_is_exit_3_and_the_checkpoints_stay(rows_csv, tmp_path):
    out = tmp_path / "run"
    code = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from contramix.cli import main
main(sys.argv[1:])
"""
    run = subprocess.run(
        [sys.executable, "-c", code, *call(rows_csv, out, "--checkpoint-seconds", "0")[3:]],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 3, run.stderr
    assert run.stderr.startswith("error: no space left for")
    assert not list(out.rglob(f"{atomic_files.TEMPORARY}*"))
    assert not (out / "DONE").exists()
