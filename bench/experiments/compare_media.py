"""i-Mix and DACL on images and sounds at a budget for two cores, beside the baselines; kept in bench/results/media.

python -m bench.experiments.compare_media fsdd speech cifar10 --data-dir DIR     # can be killed and run again
python -m bench.write_results

DIR has ``fsdd/``, ``speech_commands/`` and ``cifar10/``: the Free Spoken Digit Dataset (2,700 training clips), three
words of Speech Commands, and CIFAR-10 as JPEG, which loses detail; of its training images 10,000 are taken, drawn once.
Runs ``contramix compare`` (the command stands in report.json), and keeps report.json and, for each run, its recipe.toml
and config.json.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from bench.result_lines import collect_comparison, current_commit

SUITE = "compare-media"
SOUNDS = "npair,imix-npair,moco,imix-moco,byol,imix-byol,dacl,dacl-plus"
IMAGES = (
    "npair,imix-npair,moco,imix-moco,byol,imix-byol,simclr,imix-simclr,simclr-dacl,dacl,dacl-plus,imix-moco-inputmix"
)
BUDGETS = {
    "cifar10": (IMAGES, 14),  # 39 batches an epoch: 546 steps
    "fsdd": (SOUNDS, 20),  # 10 batches an epoch: 200 steps
    "speech": ("npair,imix-npair,dacl,dacl-plus", 30),  # 5 batches an epoch: 150 steps
}
TRAINING_IMAGES = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(BUDGETS))
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs"))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    commit = current_commit()
    for name in options.names:
        recipes, epochs = BUDGETS[name]
        folder = options.work / SUITE / name
        began = time.monotonic()
        command = [
            *("contramix", "compare", str(data_for(name, options.data_dir, options.work)), "--recipes", recipes),
            *("--epochs", str(epochs), "--labels-per-class", "20", "--seeds", str(options.seeds)),
            *("--probes", "linear,knn", "--out", str(folder)),
        ]
        subprocess.run([str(Path(sys.executable).parent / command[0]), *command[1:]], check=True)
        wall_seconds = round(time.monotonic() - began)
        collect_comparison(SUITE, name, folder, commit=commit, wall_seconds=wall_seconds)


def data_for(name: str, data: Path, work: Path) -> Path:
    """The data set; of CIFAR-10 an npz with a part of the training images."""
    if name != "cifar10":
        return data / {"fsdd": "fsdd", "speech": "speech_commands"}[name]
    out = work / "media" / "cifar10-10000.npz"
    if not out.exists():
        from contramix.domains import DOMAINS
        from contramix.io.options import ReadOptions
        from contramix.recipe import Recipe

        archive = data / "cifar10" / "cifar10_jpeg_60000.tar.gz"
        reading = DOMAINS["image"].read(archive, ReadOptions(), Recipe.load("npair", domain="image").data)
        classes = sorted(pc.unique(reading.table.column("label")).to_pylist())
        arrays = {"classes": np.array(classes)}
        for part, table in (("train", reading.training), ("test", reading.test)):
            images = table.column("image").combine_chunks().to_numpy_ndarray().transpose(0, 2, 3, 1)
            labels = np.array([classes.index(label) for label in table.column("label").to_pylist()])
            rows = np.random.default_rng(0).permutation(len(labels))[: TRAINING_IMAGES if part == "train" else None]
            arrays |= {f"x_{part}": images[rows], f"y_{part}": labels[rows]}
        out.parent.mkdir(parents=True, exist_ok=True)
        np.savez(out, **arrays)
    return out


if __name__ == "__main__":
    main()
