"""Compare two versions of the code: do the same data and seed give the same bytes?

python -m bench.experiments.same_bytes COMMIT                    # COMMIT and the working tree, 12 runs
python -m bench.experiments.same_bytes COMMIT --kinds table,graph
python -m bench.experiments.same_bytes COMMIT --new ../other-tree

Two recipes for each kind of data are trained with both versions, on a CPU with one thread, by `python -m contramix
pretrain` and `embed` in processes of their own. COMMIT is checked out into a temporary folder with `git worktree`. The
script prints a line for each run, and exits with 1 if model.safetensors, the embeddings or spec.json differ in a byte.
The data are those of the saved runs in tests/fixtures/runs_0.1.zip.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ARCHIVE = ROOT / "tests" / "fixtures" / "runs_0.1.zip"
RUNS = {
    "table": ("data.csv", ("imix-npair", "dacl-plus")),
    "image": ("data.zip", ("imix-moco", "dacl")),
    "audio": ("data.zip", ("imix-byol", "simclr")),
    "text": ("data.txt", ("imix-npair", "dacl")),
    "series": ("data.ts", ("imix-moco-inputmix", "byol")),
    "graph": ("data.zip", ("infograph", "dacl")),
}
"""For each kind the data file and the recipes. Together they use N-pair, SimCLR, MoCo, BYOL and InfoGraph, i-Mix, mixup
noise of several operators, augmentation and input mixing."""
SETTINGS = ("--epochs", "3", "--seed", "3", "--set", "train.batch_size=16", "--device", "cpu", "--quiet")
COMPARED = ("run/model.safetensors", "run/spec.json", "embedding.npy")


def call(tree: Path, folder: Path, *arguments: str) -> subprocess.Popen:
    """Start a command of a source tree in a folder, with its output in a file there."""
    settings = {**os.environ, "PYTHONPATH": str(tree / "src"), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", "contramix", *arguments]
    with (folder / "output.txt").open("a") as output:
        return subprocess.Popen(line, cwd=folder, env=settings, stdout=output, stderr=subprocess.STDOUT)


def run_both(trees: list[Path], folders: list[Path], *arguments: str) -> None:
    """Run a command with both versions at the same time, and stop the script if one fails."""
    processes = [call(tree, folder, *arguments) for tree, folder in zip(trees, folders)]
    for process, folder in zip(processes, folders):
        if process.wait():
            raise SystemExit(f"{' '.join(arguments)} failed:\n{(folder / 'output.txt').read_text()}")


def check_source(tree: Path, folder: Path) -> None:
    """Stop the script if a process would not import contramix from its tree, such as from an installed copy."""
    settings = {**os.environ, "PYTHONPATH": str(tree / "src")}
    line = [sys.executable, "-c", "import contramix; print(contramix.__file__)"]
    found = subprocess.run(line, cwd=folder, env=settings, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(found).is_relative_to(tree):
        raise SystemExit(f"contramix is imported from {found}, not from {tree}")


def compare(trees: list[Path], folder: Path, kind: str, recipe: str) -> bool:
    """Train and embed with both versions, print what differs, and return whether all bytes are equal."""
    began = time.monotonic()
    folders = [folder / side for side in ("old", "new")]
    for place in folders:
        place.mkdir(parents=True)
    with zipfile.ZipFile(ARCHIVE) as archive:
        data = archive.extract(f"{kind}/{RUNS[kind][0]}", folder)
    target = ("--target", "y") if kind == "table" else ()
    run_both(trees, folders, "pretrain", data, "--out", "run", "--recipe", recipe, *target, *SETTINGS)
    run_both(trees, folders, "embed", "run", data, "--out", "embedding.npy", "--device", "cpu", "--quiet")
    content = [{name: (place / name).read_bytes() for name in COMPARED} for place in folders]
    differ = [name for name in COMPARED if content[0][name] != content[1][name]]
    digest = hashlib.sha256(content[1]["run/model.safetensors"]).hexdigest()[:12]
    state = f"DIFFERENT: {', '.join(differ)}" if differ else "equal"
    print(f"{kind:<7} {recipe:<19} {time.monotonic() - began:5.1f} s  {digest}  {state}", flush=True)
    return not differ


def main() -> int:
    """Compare all runs and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="the commit of the old code")
    parser.add_argument("--new", type=Path, default=ROOT, help="the source tree of the new code; default: this one")
    parser.add_argument("--kinds", default=",".join(RUNS), help="kinds of data, separated by commas; default: all")
    given = parser.parse_args()
    kinds = given.kinds.split(",")
    if unknown := set(kinds) - RUNS.keys():
        parser.error(f"--kinds {', '.join(sorted(unknown))}: not one of {', '.join(RUNS)}")
    git = ["git", "-C", str(ROOT), "worktree"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        subprocess.run([*git, "add", "--quiet", "--detach", str(folder / "tree"), given.commit], check=True)
        try:
            trees = [folder / "tree", given.new.resolve()]
            for tree in trees:
                check_source(tree, folder)
            pairs = [(kind, recipe) for kind in kinds for recipe in RUNS[kind][1]]
            same = [compare(trees, folder / kind / recipe, kind, recipe) for kind, recipe in pairs]
        finally:
            subprocess.run([*git, "remove", "--force", str(folder / "tree")], check=True)
    print(f"{sum(same)} of {len(same)} runs are equal byte for byte")
    return 0 if all(same) else 1


if __name__ == "__main__":
    sys.exit(main())
