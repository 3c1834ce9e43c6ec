"""Runs and models that version 0.1.0 saved load with the current code and give the same numbers.

tests/fixtures/runs_0.1.zip holds a folder for each kind of data (its data file, a finished run, and the embeddings that
``contramix embed`` wrote), a model fine-tuned on the table with its predictions (``finetuned``), and an interrupted run
with its last checkpoint and the result of the same run without interruption (``unfinished``). Commit 977a2e4 made them
on a CPU with one thread and torch 2.13.0; bench/data/make_run_fixtures.py shows how. Do not make them again with newer
code.
"""

import csv
import hashlib
import io
import json
import runpy
import shlex
import shutil
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch

import contramix

ARCHIVE = Path(__file__).parents[1] / "fixtures" / "runs_0.1.zip"
KINDS = ["table", "image", "audio", "text", "series", "graph"]
EXTRAS = {"image": "PIL", "audio": "soundfile", "text": "tokenizers"}
"""Packages that reading these kinds of data needs."""
CLOSE = {"rtol": 1e-5, "atol": 1e-5}
"""Tolerance for embeddings, because other processors and versions of torch round the last digits differently."""
CLOSE_AFTER_TRAINING = {"rtol": 1e-3, "atol": 1e-3}
"""Tolerance for a run that is resumed on another processor, where differences grow with the steps."""


def command(*arguments: object) -> str:
    """Run a command that must succeed in this process, and return what it prints on standard output."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setattr(sys, "argv", ["contramix", *map(str, arguments)])
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
            runpy.run_module("contramix", run_name="__main__")
    assert not end.value.code, err.getvalue()
    return out.getvalue()


@pytest.fixture
def old(tmp_path, monkeypatch):
    """Unpack the saved folders into a temporary folder and return its path."""
    shutil.unpack_archive(ARCHIVE, tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    torch.set_num_threads(1)
    return tmp_path / "old"


@pytest.fixture(params=KINDS)
def kind(request, old, monkeypatch):
    """Enter the folder of one kind of data."""
    if request.param in EXTRAS:
        pytest.importorskip(EXTRAS[request.param])
    monkeypatch.chdir(old / request.param)
    return request.param


def data() -> str:
    """Return the name of the data file in the current folder."""
    (path,) = Path().glob("data.*")
    return path.name


def inputs(name: str) -> str:
    """Return a file with the columns that an estimator takes: those of a table without its target, the last."""
    if not name.endswith(".csv"):
        return name
    lines = [line.rpartition(",")[0] for line in Path(name).read_text().splitlines()]
    Path("inputs.csv").write_text("\n".join(lines) + "\n")
    return "inputs.csv"


def test_load_and_transform(kind):
    z = contramix.load("run").transform(inputs(data()))
    kept = np.load("embedding.npy")
    assert z.dtype == kept.dtype
    np.testing.assert_allclose(z, kept, **CLOSE)


def test_embed_command(kind):
    command("embed", "run", data(), "--out", "z.npy")
    np.testing.assert_allclose(np.load("z.npy"), np.load("embedding.npy"), **CLOSE)


def test_info_command(kind):
    facts = json.loads(command("info", "run", "--json"))
    config = json.loads(Path("run/config.json").read_text())
    assert config.items() <= facts.items()
    assert facts["domain"] == kind


def test_pretrain_command_finds_the_run_finished(kind):
    before = {path: path.read_bytes() for path in Path("run").iterdir()}
    call = shlex.split(json.loads(Path("run/config.json").read_text())["command"])
    facts = json.loads(command(*call[1:], "--json"))
    assert facts["already_finished"]
    assert {path: path.read_bytes() for path in before} == before


def test_saving_again_keeps_weights_and_embeddings(kind):
    contramix.load("run").save("again")
    assert Path("again/model.safetensors").read_bytes() == Path("run/model.safetensors").read_bytes()
    assert json.loads(Path("again/spec.json").read_text()) == json.loads(Path("run/spec.json").read_text())
    np.testing.assert_allclose(contramix.load("again").transform(inputs(data())), np.load("embedding.npy"), **CLOSE)


def test_finetuned_model_predicts_and_embeds(old, monkeypatch):
    monkeypatch.chdir(old / "finetuned")
    rows = "../table/data.csv"
    command("predict", "model", rows, "--out", "new.csv")
    command("embed", "model", rows, "--out", "new.npy")
    kept, new = (list(csv.DictReader(Path(name).read_text().splitlines())) for name in ("predictions.csv", "new.csv"))
    assert new[0].keys() == kept[0].keys() == {"prediction", "p_a", "p_b"}
    assert [row["prediction"] for row in new] == [row["prediction"] for row in kept]
    shares = [np.array([[float(row["p_a"]), float(row["p_b"])] for row in rows]) for rows in (new, kept)]
    np.testing.assert_allclose(*shares, **CLOSE)
    np.testing.assert_allclose(np.load("new.npy"), np.load("embedding.npy"), **CLOSE)

    model = contramix.load("model")
    assert isinstance(model, contramix.ContrastiveClassifier)
    assert model.predict(inputs(rows)).tolist() == [row["prediction"] for row in kept]
    np.testing.assert_allclose(model.predict_proba(inputs(rows)), shares[1], **CLOSE)
    np.testing.assert_allclose(model.transform(inputs(rows)), np.load("embedding.npy"), **CLOSE)
    assert json.loads(command("info", "model", "--json"))["predicts"]["target"] == "y"


def test_finetuning_starts_from_an_old_run(old):
    command("finetune", "table/run", "table/data.csv", "--target", "y", "--out", "model", "--epochs", "1")
    assert contramix.load("model").classes_.tolist() == ["a", "b"]


def test_unfinished_run_is_resumed_and_ends_as_it_would_have(old, monkeypatch):
    monkeypatch.chdir(old / "unfinished")
    kept = json.loads(Path("uninterrupted.json").read_text())
    (checkpoint,) = Path("run/checkpoint").iterdir()
    facts = json.loads(command(*shlex.split(kept["command"])[1:], "--json"))
    assert facts["resumed_from"] == int(checkpoint.name[5:15])
    assert not facts["already_finished"]
    steps = [json.loads(line)["step"] for line in Path("run/log.jsonl").read_text().splitlines()]
    assert steps == list(range(1, facts["steps"] + 1))
    z = contramix.load("run").transform(inputs("data.csv"))
    if hashlib.sha256(Path("run/model.safetensors").read_bytes()).hexdigest() != kept["sha256"]:
        np.testing.assert_allclose(z, np.load("embedding.npy"), **CLOSE_AFTER_TRAINING)
    else:
        np.testing.assert_allclose(z, np.load("embedding.npy"), **CLOSE)
