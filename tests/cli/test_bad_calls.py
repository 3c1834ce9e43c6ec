"""Test wrong options, wrong recipes, and places that cannot be written: one line that names the option."""

import os
import resource
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

OUT = ("--out", "run")


def write(name: str, content: str | bytes) -> str:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def checkpoints(folder: str = "run") -> list[Path]:
    return sorted(Path(folder, "checkpoint").glob("*.safetensors"))


def unfinish(folder: str = "run") -> None:
    for name in ("DONE", "config.json", "model.safetensors"):
        Path(folder, name).unlink()


CALLS = {
    "unknown option": (["--epoch", "3"], ["--epoch", "pretrain --help"]),
    "unknown recipe": (["--recipe", "imix-npear"], ["imix-npear", "did you mean 'imix-npair'"]),
    "no such recipe file": (["--recipe", "mine.toml"], ["mine.toml"]),
    "unknown domain": (["--domain", "tabel"], ["--domain", "table"]),
    "unknown target": (["--target", "Y"], ["there is no column 'Y'", "did you mean 'y'"]),
    "empty target": (["--target", ""], ["there is no column ''"]),
    "no equals sign": (["--set", "noise.rate"], ["--set noise.rate", "NAME=VALUE"]),
    "no name": (["--set", "=3"], ["NAME=VALUE"]),
    "unknown setting": (["--set", "train.epoch=3"], ["'train.epoch'", "did you mean 'epochs'"]),
    "unknown section": (["--set", "trian.lr=3"], ["'trian'", "did you mean 'train'"]),
    "unknown kind": (["--set", "noise.kind=gausian"], ["gausian", "did you mean 'gaussian'"]),
    "out of range": (["--set", "train.lr=-1"], ["train.lr", "greater than 0", "-1"]),
    "beyond float32": (["--set", "train.lr=1e40"], ["train.lr", "less than or equal to 1000000000000000"]),
    "NaN": (["--set", "train.lr=nan"], ["train.lr", "finite", "nan"]),
    "infinity": (["--set", "train.lr=inf"], ["train.lr", "finite", "inf"]),
    "wrong type": (["--set", "train.lr=fast"], ["train.lr", "number", "'fast'"]),
    "too large": (["--set", "encoder.width=1000000000000"], ["encoder.width", "65536"]),
    "projector too large": (["--recipe", "dacl", "--set", f"method.projector.out={10**18}"], ["projector.out: "]),
    "queue too large": (["--recipe", "moco", "--set", f"method.queue={10**18}"], ["method.queue", "10000000"]),
    "batch larger than the data": (["--set", "train.batch_size=61"], ["train.batch_size 61", "60 rows", "at most"]),
    "batch of one": (["--set", "train.batch_size=1"], ["train.batch_size", "at least 2"]),
    "no epoch": (["--epochs", "0"], ["train.epochs", "at least 1"]),
    "no number": (["--epochs", "many"], ["--epochs"]),
    "negative time": (["--checkpoint-seconds", "-1"], ["--checkpoint-seconds"]),
    "no such device": (["--device", "cuda:99"], ["'cuda:99'", "try 'cpu'"]),
    "no device at all": (["--device", "gpu"], ["'gpu'", "try 'cpu'"]),
    "delimiter of two": (["--delimiter", ",,"], ["--delimiter", "one ASCII character"]),
    "decimal": (["--decimal", "x"], ["--decimal"]),
    "encoding": (["--encoding", "utf-9"], ["--encoding", "utf-9"]),
    "column to drop": (["--set", "table.drop=agee"], ["table.drop", "'agee'", "did you mean 'age'"]),
    "no such cut": (["--set", "imix.cut=layer9"], ["layer9"]),
    "no rows for statistics": (["--transductive", "nothing.csv"], ["nothing.csv: no such file"]),
}


@pytest.mark.parametrize(("options", "words"), CALLS.values(), ids=CALLS)
def test_a_wrong_option_of_pretrain(here, run, t, options, words):
    write("people.csv", t.text(t.people()))
    run.refused("pretrain", "people.csv", *OUT, *options).says(*words)


RECIPES = {
    "empty": ("", ["r.toml", "no settings", "contramix recipes"]),
    "only a comment": ("# later\n", ["r.toml", "no settings"]),
    "unknown section": ("[trian]\nlr = 0.1\n", ["r.toml", "'trian'", "did you mean 'train'"]),
    "unknown key": ("[train]\nbatch = 3\n", ["r.toml", "'train.batch'", "did you mean 'batch_size'"]),
    "unknown key of a member": (
        "[noise]\nkind = 'drop'\nrat = 0.1\n",
        ["r.toml", "'noise.rat'", "did you mean 'rate'"],
    ),
    "out of range": ("[noise]\nkind = 'drop'\nrate = 1.5\n", ["r.toml", "noise.rate", "1.5"]),
    "a key twice": ("[train]\nlr = 0.1\nlr = 0.2\n", ["r.toml", "line 3"]),
    "not TOML": ("train:\n  lr: 0.1\n", ["r.toml", "not a TOML recipe", "line 1"]),
    "not text": (b"\xff\xfe\0\0", ["r.toml", "not a TOML recipe"]),
    "too deep": ("x = " + "[" * 5000, ["r.toml", "not a TOML recipe"]),
    "another domain": ("domain = 'video'\n", ["r.toml", "domain", "'table'"]),
}


@pytest.mark.parametrize(("content", "words"), RECIPES.values(), ids=RECIPES)
def test_a_wrong_recipe(here, run, t, content, words):
    write("people.csv", t.text(t.people()))
    write("r.toml", content)
    run.refused("pretrain", "people.csv", *OUT, "--recipe", "r.toml", "--epochs", "1").says(*words)
    run.refused("recipes", "r.toml").says(*words)


def test_a_wrong_policy_for_bad_rows(here, run, t):
    write("people.csv", t.text(t.people()))
    ended = run.process("pretrain", "people.csv", *OUT, "--on-bad-rows", "drop")
    assert (ended.returncode, ended.stderr) == (2, b"error: --on-bad-rows 'drop': give 'fail' or 'skip'\n")


def test_a_call_without_what_it_needs(here, run):
    run.refused("pretrian").says("pretrian", "pretrain")
    run.refused("pretrain").says("DATA", "pretrain --help")
    run.refused("pretrain", "people.csv").says("--out")
    run.refused("embed", "run").says("DATA", "embed --help")
    run.refused("evaluate", "run", "people.csv").says("run: there is no such folder")
    run.refused("recipes", "imix-npear").says("did you mean 'imix-npair'")


def test_a_run_folder_that_cannot_be_written(here, run, t):
    write("people.csv", t.text(t.people()))
    Path("other").mkdir()
    write("other/notes.txt", "mine")
    for place, words in {
        "/dev/null/x": "cannot be written",
        "people.csv": "is a file; give a folder",
        "people.csv/x": "cannot be written",
        "other": "holds other files",
        "n" * 300: "too long",
    }.items():
        run.refused("pretrain", "people.csv", "--out", place).says("--out", place, words)


def test_a_file_of_embeddings_that_cannot_be_written(finished, run):
    for place, words in {
        "z.txt": ".parquet, .csv or .npy",
        "nowhere/z.npy": "the folder nowhere is not there",
        "/dev/null/z.npy": "is not there",
        "people.csv": "would be lost",
        "./run/../people.csv": "would be lost",
    }.items():
        run.refused("embed", "run", "people.csv", "--out", place).says("--out", words)
    Path("folder.npy").mkdir()
    run.refused("embed", "run", "people.csv", "--out", "folder.npy").says("is a folder")


def test_columns_to_keep(finished, run, t):
    run.refused("embed", "run", "people.csv", "--out", "z.csv", "--keep", "jobb").says("'jobb'", "did you mean 'job'")
    run.refused("embed", "run", "people.csv", "--out", "z.csv", "--keep", "").says("--keep")
    run.refused("embed", "run", "people.csv", "--out", "z.npy", "--keep", "job").says("numbers only", ".parquet")
    write("e0.csv", t.text(t.column(t.people(), "e0", str)))
    run.refused("embed", "run", "e0.csv", "--out", "z.csv", "--keep", "e0").says("'e0'", "rename")
    run.done("embed", "run", "people.csv", "--out", "z.csv", "--keep", "job", "--keep", "job")
    assert Path("z.csv").read_text().startswith('"job","e0",')


def test_a_full_disk(finished, run):
    Path("small").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", "small"]
    if os.geteuid() or shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        result = run.call("pretrain", "people.csv", "--out", "small/run")
        assert result.code == 2
        assert len(result.lines) == 1
        result.says("small/run", "MB", "free")
        with suppress(OSError):
            Path("small/fill").write_bytes(bytes(5 << 20))
        result = run.call("embed", "run", "people.csv", "--out", "small/z.npy")
        assert result.code == 3
        assert len(result.lines) == 1
        result.says("no space left for small/z.npy")
        assert not [path for path in Path("small").iterdir() if path.name.startswith(("z", ".tmp"))]
    finally:
        subprocess.run(["umount", "small"], check=True)


def test_a_disk_that_fills_up_stops_the_run_and_leaves_the_last_checkpoint(finished, run):
    unfinish()
    checkpoints()[-1].unlink()
    before = checkpoints()[-1].read_bytes()

    def few_bytes():
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, len(before) // 2))

    again = ("pretrain", "people.csv", "--out", "run", "--target", "y", "--set", "train.batch_size=20", *run.small)
    stopped = run.process(*again, preexec_fn=few_bytes)
    assert stopped.returncode == 3, stopped.stderr
    lines = [line for line in stopped.stderr.decode().splitlines() if not line.startswith(("note: ", "warning: "))]
    assert len(lines) == 1
    assert lines[0].startswith("error: no space left for ")
    assert [p.read_bytes() for p in checkpoints()] == [before]
    assert not list(Path("run").rglob(".tmp-*"))
    run.done(*again)
    assert Path("run/DONE").is_file()


def test_embeddings_that_do_not_fit_leave_nothing(finished, run):
    def few_bytes():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    before = run.tree()
    ended = run.process("embed", "run", "people.csv", "--out", "z.npy", preexec_fn=few_bytes)
    assert ended.returncode == 3, ended.stderr
    assert ended.stderr.startswith(b"error: no space left for z.npy")
    assert run.tree() == before
