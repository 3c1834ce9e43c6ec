"""Test damaged or unfinished runs and models, and rows that do not fit a model."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
from filelock import FileLock
from safetensors.numpy import load_file, save_file

OUT = ("--out", "run")


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def checkpoints(folder: str = "run") -> list[Path]:
    return sorted(Path(folder, "checkpoint").glob("*.safetensors"))


def unfinish(folder: str = "run") -> None:
    for name in ("DONE", "config.json", "model.safetensors"):
        Path(folder, name).unlink()


AGAIN = ("pretrain", "people.csv", "--out", "run", "--target", "y", "--set", "train.batch_size=20")


def test_a_finished_run_is_left_alone(finished, run):
    before = run.tree()
    told = json.loads(run.done(*AGAIN, *run.small, "--json").out)
    assert told["already_finished"] is True
    assert run.tree() == before


def test_a_run_with_other_settings_or_other_data(finished, run, t):
    settings = {
        "seed": ("--seed", "1"),
        "noise.rate": ("--set", "noise.rate=0.4"),
        "train.epochs": ("--epochs", "2"),
        "target": ("--target", "job"),
    }
    for name, options in settings.items():
        run.refused(*AGAIN, *run.small, *options).says("run: holds a run with other settings", f"{name}: ", "--out")
    write("people.csv", t.text(t.people(seed=1)))
    run.refused(*AGAIN, *run.small).says("run: holds a run on other data", "--out")


def test_a_run_that_another_process_is_using(finished, run):
    unfinish()
    with FileLock("run/.lock"):
        run.refused(*AGAIN, *run.small).says("run: in use by another process", "--out")
        write("run/owner.json", json.dumps({"pid": 7, "host": "there", "since": "noon"}))
        run.refused(*AGAIN, *run.small).says("process 7 on there, since noon")
        write("run/owner.json", "[]")
        run.refused(*AGAIN, *run.small).says("in use by another process")
    run.done(*AGAIN, *run.small)


def test_checkpoints_cut_short(finished, run):
    unfinish()
    newest = checkpoints()[-1]
    assert len(checkpoints()) == 2
    newest.write_bytes(newest.read_bytes()[:1000])
    told = run.done(*AGAIN, *run.small)
    told.says("warning: ", newest.name, "cut short", "going on from step 2")
    assert Path("run/DONE").is_file()
    unfinish()
    for path in checkpoints():
        path.write_bytes(path.read_bytes()[:-1])
    run.refused(*AGAIN, *run.small).says(checkpoints()[-1].name, "cut short", "no earlier checkpoint", "anew")


def test_a_model_that_is_gone_is_written_again(finished, run):
    want = Path("run/model.safetensors").read_bytes()
    Path("run/model.safetensors").unlink()
    run.refused("embed", "run", "people.csv", "--out", "z.npy").says("run: not a whole model", "model.safetensors")
    run.done(*AGAIN, *run.small)
    assert Path("run/model.safetensors").read_bytes() == want


def test_a_learning_rate_that_diverges(here, run, t):
    write("people.csv", t.text(t.people()))
    options = ("--set", "train.lr=1e15", "--set", "train.batch_size=20", *run.small)
    result = run.call("pretrain", "people.csv", *OUT, *options)
    assert result.code == 3
    assert len(result.lines) == 1
    result.says("the loss is not finite at step", "train.lr", "train.clip_norm")
    assert not Path("run/DONE").exists()
    run.refused("embed", "run", "people.csv", "--out", "z.npy").says("unfinished", "pretrain")


def model(content: bytes) -> None:
    Path("run/model.safetensors").write_bytes(content)


def test_k_a_damaged_model(finished, run):
    whole = Path("run/model.safetensors").read_bytes()
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    header = json.dumps({"w": {"dtype": "F32", "shape": [1_000_000_000], "data_offsets": [0, 4]}}).encode()
    bomb = struct.pack("<Q", len(header)) + header + bytes(4)
    for content in (
        b"",
        whole[:100],
        whole[:-1],
        bytes(flipped),
        b"version https://git-lfs\n",
        bomb,
        b"\x80\x04}." * 9,
    ):
        model(content)
        for command in (("embed", "run", "people.csv", "--out", "z.npy"), ("info", "run")):
            run.refused(*command).says("run/model.safetensors", "delete it and run the command that made it again")


def test_k_weights_that_are_not_numbers_or_of_another_network(finished, run):
    tensors = load_file("run/model.safetensors")
    name = next(n for n in tensors if tensors[n].dtype == np.float32)
    for change, words in (
        ({name: np.full_like(tensors[name], np.nan)}, ["not finite", name]),
        ({name: tensors[name][:1]}, ["another architecture", "shape", name]),
        ({"more": tensors[name]}, ["another architecture", "more"]),
    ):
        save_file({**tensors, **change}, "run/model.safetensors")
        run.refused("embed", "run", "people.csv", "--out", "z.npy").says("run/model.safetensors", *words)


def test_k_configurations(finished, run):
    whole = json.loads(Path("run/config.json").read_text())
    for content, words in (
        (
            json.dumps({**whole, "format_version": 2, "contramix": "9.0"}),
            ["format 2", "contramix 9.0", "reads format 1"],
        ),
        ("", ["run/config.json", "not JSON"]),
        ("[]", ["run/config.json"]),
        ("\0" * 50, ["run/config.json", "not JSON"]),
        (json.dumps({}), ["run/config.json"]),
    ):
        write("run/config.json", content)
        run.refused("embed", "run", "people.csv", "--out", "z.npy").says(*words)
        run.refused("info", "run").says(*words)


def test_k_a_folder_that_is_no_model(finished, run):
    Path("empty").mkdir()
    run.refused("embed", "empty", "people.csv", "--out", "z.npy").says("empty: not a trained model", "no config.json")
    run.refused("embed", "nowhere", "people.csv", "--out", "z.npy").says("nowhere: there is no such folder")
    run.refused("info", "people.csv").says("people.csv")
    for name in ("spec.json", "recipe.toml"):
        shutil.copytree("run", "part")
        Path("part", name).unlink()
        run.refused("info", "part").says("part: not a whole model", name)
        for content in ("", "[]", "\0\0"):
            write(f"part/{name}", content)
            run.refused("info", "part").says(f"part/{name}")
        shutil.rmtree("part")


def test_t28_rows_that_the_model_does_not_fit(finished, run, t):
    rows = t.people(20)
    write("less.csv", t.text(t.column(rows, "age", None)))
    run.refused("embed", "run", "less.csv", "--out", "z.npy").says("missing column 'age'", "the data have: job, since")
    for name, value, now in (
        ("age", "old", "text"),
        ("since", "lately", "text"),
        ("since", "7", "a number"),
        ("member", "perhaps", "text"),
    ):
        write("other.csv", t.text(t.column(rows, name, lambda n, value=value: value)))
        run.refused("embed", "run", "other.csv", "--out", "z.npy").says(f"column '{name}' was ", f"is {now} now", value)
    write("inf.csv", t.text(t.column(rows, "age", lambda n: "inf" if n == 2 else "1")))
    run.refused("embed", "run", "inf.csv", "--out", "z.npy").says("column 'age', row 3", "infinite")
    write("far.csv", t.text(t.column(rows, "age", lambda n: "1e300" if n == 2 else "1")))
    run.refused("embed", "run", "far.csv", "--out", "z.npy").says("column 'age', row 3", "too large")


def test_t28_rows_that_fit_nevertheless(finished, run, t):
    rows = t.people(20)
    write("same.csv", t.text(rows))
    write("more.csv", t.text(t.column(rows, "more", str)))
    write("turned.csv", t.text([row[::-1] for row in rows]))
    write("unlabelled.csv", t.text(t.column(rows, "y", None)))
    for name in ("same", "more", "turned", "unlabelled"):
        told = run.done("embed", "run", f"{name}.csv", "--out", f"{name}.npy")
        assert ("does not know" in told.err or "do not know" in told.err) == (name == "more"), told.err
        assert Path(f"{name}.npy").read_bytes() == Path("same.npy").read_bytes()
    run.done("embed", "run", "more.csv", "--out", "more.npy").says("note: ", "more")
    write("unseen.csv", t.text(t.column(rows, "job", lambda n: "astronaut")))
    write("gaps.csv", t.text(t.column(t.column(rows, "age", lambda n: "" if n % 2 else "40"), "job", lambda n: "NA")))
    write("nothing.csv", t.text([rows[0], *[["", "", "", "", ""]] * 5]))
    for name in ("unseen", "gaps", "nothing"):
        run.done("embed", "run", f"{name}.csv", "--out", "z.npy")
        assert np.isfinite(np.load("z.npy")).all()
