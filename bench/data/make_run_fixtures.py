"""Make the saved runs in tests/fixtures/runs_0.1.zip with the code of an earlier commit.

git worktree add ../earlier 977a2e4
python -m bench.data.make_run_fixtures ../earlier

The archive in the repository was made with these commands, by contramix 0.1.0 at commit 977a2e4, on a CPU with one
thread and torch 2.13.0. Do not make it again with newer code. It has a folder for each kind of data, and two more:

- ``KIND/data.*``: the data of the run.
- ``KIND/run``: a finished run. Its command is in config.json.
- ``KIND/embedding.npy``: the embeddings of these data, as ``contramix embed`` wrote them.
- ``finetuned/model``: a classifier that was fine-tuned on the table, starting from ``table/run``.
- ``finetuned/predictions.csv``: its predictions for the table.
- ``unfinished/run``: a run that was interrupted, with its last checkpoint.
- ``unfinished/embedding.npy`` and ``unfinished/uninterrupted.json``: the embeddings of the same run without
  interruption, the hash of its model.safetensors, and the command.

tests/integration/test_old_runs.py reads these runs with the current code.
"""

import hashlib
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

ARCHIVE = Path(__file__).parents[2] / "tests" / "fixtures" / "runs_0.1.zip"
SMALL = "--epochs 3 --set train.batch_size=16"
RUNS = {
    "table": ("data.csv", f"--target y --recipe imix-npair --set encoder.width=8 --set encoder.depth=2 {SMALL}"),
    "image": ("data.zip", f"--recipe simclr --set encoder.width=2 {SMALL}"),
    "audio": ("data.zip", f"--recipe imix-moco --set encoder.width=2 --set method.queue=32 {SMALL}"),
    "text": ("data.txt", f"--recipe dacl --set encoder.width=8 {SMALL}"),
    "series": ("data.ts", f"--recipe imix-byol --set encoder.width=4 {SMALL}"),
    "graph": ("data.zip", f"--recipe infograph --set encoder.width=8 --set encoder.layers=2 {SMALL}"),
}
UNFINISHED = (
    "--target y --recipe imix-moco --set encoder.width=8 --set encoder.depth=2 --set method.queue=32 "
    "--epochs 60 --set train.batch_size=16 --checkpoint-seconds 0.05"
)
EPOCHS_INTERRUPTED = range(24, 55)
"""Epochs in which the unfinished run is interrupted: late enough for a short test, with some steps left."""
NOT_KEPT = (".lock", "owner.json", "checkpoint")


def table() -> str:
    """Return a CSV table with numbers, a date, categories, a boolean, one-hot columns, missing values and a label.

    Numbers lie symmetrically around a mean that has few binary digits, so that statistics are the same on each machine.
    """
    draw = np.random.default_rng(0)
    places, days = draw.permutation(72), draw.permutation(72)
    lines = ["amount,count,color,town,member,since,red,green,blue,constant,y"]
    for n in range(72):
        amount = "" if places[n] in (3, 20, 51, 68) else f"{(2 * places[n] - 71) / 8}"
        since = (datetime(2020, 3, 1) + timedelta(days=10 * int(days[n]))).date()
        one = n * 7 % 3
        row = [amount, days[n] % 8, "" if n % 9 == 4 else ["red", "tan", "blue"][n * 5 % 3], f"town {n * 11 % 30}"]
        row += [str(n % 5 < 2).lower(), "" if days[n] in (5, 66) else since]
        lines.append(
            ",".join(map(str, [*row, int(one == 0), int(one == 1), int(one == 2), 1, "ab"[int(places[n] > 35)]]))
        )
    return "\n".join(lines) + "\n"


def numbers() -> str:
    """Return a CSV table of 64 rows with two numbers, a category and a label."""
    draw = np.random.default_rng(1)
    rows = zip(draw.permutation(64) / 4, draw.permutation(64) % 16 - 8)
    lines = [f"{a},{b},{['red', 'tan', 'blue', 'teal'][n % 4]},{int(a > 8)}" for n, (a, b) in enumerate(rows)]
    return "\n".join(["a,b,color,y", *lines]) + "\n"


def images() -> dict[str, bytes]:
    """Return 40 PNG images of 8 x 8 pixels in two class folders, by path."""
    files = {}
    for n in range(40):
        pixels = np.random.default_rng(n).integers(0, 60, (8, 8, 3), dtype=np.uint8)
        pixels[(slice(None), slice(4, None)) if n % 2 else (slice(4, None),)] += 180
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        files[f"{('below', 'right')[n % 2]}/{n:02}.png"] = file.getvalue()
    return files


def sounds() -> dict[str, bytes]:
    """Return 40 WAV files of 0.2 seconds at 1,000 Hz in two class folders, by path."""
    files = {}
    for n in range(40):
        tone = 0.4 * np.sin(np.arange(200) * (0.4, 1.6)[n % 2]) + np.random.default_rng(n).normal(0, 0.01, 200)
        file = io.BytesIO()
        soundfile.write(file, tone.astype(np.float32), 1000, format="WAV", subtype="PCM_16")
        files[f"{('low', 'high')[n % 2]}/{n:02}.wav"] = file.getvalue()
    return files


def texts() -> str:
    """Return 48 lines, each with a label and a sentence."""
    draw = np.random.default_rng(0)
    words = [["dull", "long", "sad", "flat"], ["warm", "funny", "fine", "bright"]]
    made = [(n % 2, draw.choice(words[n % 2], 2), draw.integers(9)) for n in range(48)]
    return "".join(f"{label} a {one} , {two} film number {number} .\n" for label, (one, two), number in made)


def series() -> str:
    """Return 40 series of two channels and 12 to 24 steps, in the ts format."""
    draw = np.random.default_rng(0)
    lines = ["@problemName waves", "@univariate false", "@classLabel true slow fast", "@data"]
    for n in range(40):
        steps, phase = int(draw.integers(12, 25)), draw.uniform(0, 6, (2, 1))
        values = 5 + 2 * np.sin((0.3, 1.2)[n % 2] * np.arange(steps) + phase) + 0.1 * draw.normal(size=(2, steps))
        channels = [",".join(f"{value:.3f}" for value in channel) for channel in values]
        lines.append(":".join([*channels, ("slow", "fast")[n % 2]]))
    return "\n".join(lines) + "\n"


def graphs() -> dict[str, bytes]:
    """Return the files of a TU data set with 40 graphs, rings and paths with labels of their nodes."""
    draw = np.random.default_rng(0)
    edges, indicator, nodes, before = [], [], [], 1
    for n in range(40):
        size = int(draw.integers(5, 9))
        pairs = [(i, (i + 1) % size) for i in range(size if n % 2 else size - 1)]
        edges += [f"{a + before}, {b + before}" for i, j in pairs for a, b in ((i, j), (j, i))]
        indicator += [str(n + 1)] * size
        nodes += [str(label) for label in draw.integers(0, 3, size)]
        before += size
    labels = [str(n % 2) for n in range(40)]
    parts = {"A": edges, "graph_indicator": indicator, "graph_labels": labels, "node_labels": nodes}
    return {f"RINGS/RINGS_{name}.txt": ("\n".join(lines) + "\n").encode() for name, lines in parts.items()}


def write(path: Path, content: str | dict[str, bytes]) -> None:
    """Write a text file, or files into a zip archive without the time of writing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content)
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


class Tree:
    """Call the command line of a source tree."""

    def __init__(self, place: Path) -> None:
        self.settings = {**os.environ, "PYTHONPATH": str(place.resolve() / "src"), "OMP_NUM_THREADS": "1"}

    def start(self, folder: Path, call: str) -> subprocess.Popen:
        """Start a call in a folder."""
        line = [sys.executable, "-m", "contramix", *shlex.split(call), "--quiet"]
        return subprocess.Popen(line, cwd=folder, env=self.settings)

    def run(self, folder: Path, call: str) -> None:
        """Run a call in a folder, and fail if it fails."""
        if code := self.start(folder, f"{call} --device cpu").wait():
            raise SystemExit(f"{folder}: {call} ended with {code}")


def last_step(run: Path) -> int:
    """Return the step of a run's last checkpoint, 0 where it has none."""
    return max((int(path.name[5:15]) for path in run.glob("checkpoint/step-*.safetensors")), default=0)


def interrupted(tree: Tree, folder: Path) -> None:
    """Make a run that is interrupted, and keep the result of the same run without interruption."""
    call, steps_per_epoch = f"pretrain data.csv --out run {UNFINISHED} --device cpu", 4
    tree.run(folder, call.replace("--out run", "--out complete"))
    tree.run(folder, "embed complete data.csv --out embedding.npy")
    digest = hashlib.sha256((folder / "complete" / "model.safetensors").read_bytes()).hexdigest()
    (folder / "uninterrupted.json").write_text(json.dumps({"command": f"contramix {call}", "sha256": digest}) + "\n")
    shutil.rmtree(folder / "complete")
    for _ in range(20):
        shutil.rmtree(folder / "run", ignore_errors=True)
        process = tree.start(folder, call)
        while last_step(folder / "run") < EPOCHS_INTERRUPTED[0] * steps_per_epoch and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGINT)
        if process.wait() == 130 and last_step(folder / "run") // steps_per_epoch in EPOCHS_INTERRUPTED:
            break
    else:
        raise SystemExit("the run was never interrupted where it should be")
    for path in sorted(folder.glob("run/checkpoint/step-*"))[:-1]:
        path.unlink()
    for name in (".lock", "owner.json"):
        (folder / "run" / name).unlink(missing_ok=True)


def main(tree: Tree) -> None:
    """Make all runs in a temporary folder, and write them into the archive."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary).resolve()
        make_runs(tree, root)
        paths = sorted(path for path in root.rglob("*") if path.is_file())
        write(ARCHIVE, {path.relative_to(root).as_posix(): path.read_bytes() for path in paths})


def make_runs(tree: Tree, root: Path) -> None:
    """Make the folders of all runs below a folder."""
    contents = {"table": table, "image": images, "audio": sounds, "text": texts, "series": series, "graph": graphs}
    for kind, (name, settings) in RUNS.items():
        folder = root / kind
        write(folder / name, contents[kind]())
        tree.run(folder, f"pretrain {name} --out run {settings}")
        tree.run(folder, f"embed run {name} --out embedding.npy")
    folder = root / "finetuned"
    folder.mkdir()
    tree.run(folder, "finetune ../table/run ../table/data.csv --target y --out model --epochs 5 --set batch_size=16")
    tree.run(folder, "embed model ../table/data.csv --out embedding.npy")
    tree.run(folder, "predict model ../table/data.csv --out predictions.csv")
    for path in [path for path in root.glob("*/*/*") if path.name in NOT_KEPT]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    write(root / "unfinished" / "data.csv", numbers())
    interrupted(tree, root / "unfinished")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Tree(Path(sys.argv[1])))
