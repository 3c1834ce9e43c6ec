"""Compare i-Mix and DACL with the baselines on images and audio, within a budget for two cores.

python -m bench.experiments.compare_media fsdd speech cifar10 --data-dir DIR     # can be killed and run again
python -m bench.write_results

DIR holds ``fsdd/`` (Free Spoken Digit Dataset, 2,700 training clips), ``speech_commands/`` (three words of Speech
Commands) and ``cifar10/`` (CIFAR-10 as JPEG, which loses detail; 10,000 of its training images are drawn once). The
script runs ``contramix compare`` for each name and collects its report and its runs in compare-media.jsonl.
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
AUDIO_RECIPES = "npair,imix-npair,moco,imix-moco,byol,imix-byol,dacl,dacl-plus"
IMAGE_RECIPES = (
    "npair,imix-npair,moco,imix-moco,byol,imix-byol,simclr,imix-simclr,simclr-dacl,dacl,dacl-plus,imix-moco-inputmix"
)
BUDGETS = {
    "cifar10": (IMAGE_RECIPES, 14),  # 39 batches an epoch: 546 steps
    "fsdd": (AUDIO_RECIPES, 20),  # 10 batches an epoch: 200 steps
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
    """Return the path of a data set; for CIFAR-10 write an npz file with 10,000 of the training images."""
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
