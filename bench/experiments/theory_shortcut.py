"""Measure the shortcut that Gaussian noise leaves open and mixup noise does not; results in experiments.jsonl.

python -m bench.experiments.theory_shortcut                    # generated images, about a minute on one core
python -m bench.experiments.theory_shortcut --cifar10 FOLDER   # also cifar10_lossless_train_first4000.npz in FOLDER

Both noises are scaled to the same similarity of the two views of an image: the mean centered cosine over 1,000 held-out
images. Views are then projected on the first k = 1, 2, 4, ... principal directions of the training images, a fixed
linear denoiser. For each k the script measures the cosine of the two views, how often a view's nearest neighbor among
the other views comes from the same image, and the accuracy of a linear probe on these k numbers. Last it pre-trains the
same network with each noise and scores a linear probe. ``bench/pages/draw_theory_figures.py`` draws the results.
"""

import argparse
import math
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn.functional import normalize

from bench import result_lines
from contramix.domains import DOMAINS
from contramix.models.pretraining import Fit, learn_spec
from contramix.monitoring.view_similarity import ViewSimilarity
from contramix.noise.gaussian import Gaussian
from contramix.noise.mixup import MixupNoise
from contramix.recipe import Recipe
from contramix.runtime.randomness import Key

SUITE = "theory-shortcut"
ALPHA = 0.5
"""Alpha of mixup noise: the recipe's default."""
HELD = 1000
EPOCHS, SEEDS = 10, 3


def generated(n: int = 4000, side: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Generate gray images: a wave in one of four directions, which is the class, with random phase.

    Each image also gets its own blob and its own slope of brightness, which identify the image but not the class.
    Returns uint8 images (n, 1, side, side) and classes (n,).
    """
    generator = Key("shortcut").generator()
    y = torch.randint(0, 4, (n,), generator=generator)

    def drawn() -> Tensor:
        return torch.rand(n, 1, 1, generator=generator)

    down, right = torch.meshgrid(torch.linspace(0, 1, side), torch.linspace(0, 1, side), indexing="ij")
    angle = (y * math.pi / 4)[:, None, None]
    wave = torch.cos(2 * math.pi * (3 * (right * angle.cos() + down * angle.sin()) + drawn()))
    width, x0, y0 = 0.15 + 0.2 * drawn(), drawn(), drawn()
    blob = (-((right - x0) ** 2 + (down - y0) ** 2) / (2 * width**2)).exp()
    light = (drawn() - 0.5) + (drawn() - 0.5) * right + (drawn() - 0.5) * down
    grey = 0.5 + 0.15 * wave + 0.5 * (drawn() - 0.5) * blob + 0.4 * light
    return (grey.clamp(0, 1) * 255).round().byte()[:, None].numpy(), y.numpy()


def std_for_similarity(x: Tensor, wanted: float) -> float:
    """Find by bisection the std of Gaussian noise whose two views have a given similarity."""
    likeness, low, high = ViewSimilarity(x), 0.0, 4.0
    for _ in range(30):
        std = (low + high) / 2
        found = likeness(*Gaussian(std=std)(x, generator=Key("gaussian").generator()))
        low, high = (std, high) if found > wanted else (low, std)
    return std


def identified(first: Tensor, second: Tensor) -> dict[str, float]:
    """Return the mean cosine of two views of an image, and how often the nearest view is of the same image."""
    s = normalize(first, dim=1) @ normalize(second, dim=1).T
    right = s.argmax(1) == torch.arange(len(s))
    return {"cosine": round(float(s.diag().mean()), 4), "identified": round(float(right.double().mean()), 4)}


def probed(z: np.ndarray, y: np.ndarray) -> float:
    """Return the accuracy of a linear probe on held-out images."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    return round(float(model.fit(z[:-HELD], y[:-HELD]).score(z[-HELD:], y[-HELD:])), 4)


def by_directions(images: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Measure views in the first principal directions, with both noises scaled to the same similarity."""
    x = torch.from_numpy(images).float() / 255
    held, mean = x[-HELD:], x[:-HELD].mean(0)
    flat = (x[:-HELD] - mean).flatten(1)
    directions = torch.linalg.eigh((flat.T @ flat).double()).eigenvectors.flip(1).float()
    mixed = MixupNoise(alpha=ALPHA)(held, generator=Key("mixup").generator())
    similarity = ViewSimilarity(held)(*mixed)
    std = std_for_similarity(held, similarity)
    noised = Gaussian(std=std)(held, generator=Key("gaussian").generator())
    rows, d = [], flat.shape[1]
    for k in [*(2**n for n in range(12) if 2**n < d), d]:
        some = directions[:, :k]

        def seen(view: Tensor, some: Tensor = some) -> Tensor:
            return (view - mean).flatten(1) @ some

        row: dict[str, Any] = {"directions": k}
        for name, views in (("gaussian", noised), ("mixup", mixed)):
            row[name] = identified(*map(seen, views))
        rows.append({**row, "probe": probed(seen(x).numpy(), y) if k <= 256 else None})
    return {
        "mixup_alpha": ALPHA,
        "gaussian_std": round(std, 5),
        "view_cosine": round(similarity, 4),
        "by_directions": rows,
    }


def pretrained(images: np.ndarray, y: np.ndarray, std: float) -> dict[str, list[float]]:
    """Return linear-probe accuracies over seeds: untrained, and pre-trained with each noise."""
    noises = {"gaussian": {"noise.kind": "gaussian", "noise.std": std}, "mixup": {"noise.alpha": ALPHA}}
    found: dict[str, list[float]] = {"untrained": [], **{name: [] for name in noises}}
    for seed in range(SEEDS):
        for name, noise in noises.items():
            shared = {"train.epochs": EPOCHS, "train.batch_size": 256, "train.precision": "float32"}
            recipe = Recipe.load("dacl", {**shared, **noise}, domain="image")
            table = DOMAINS["image"].from_values(images, recipe.data).table
            spec, _ = learn_spec(table.slice(0, len(images) - HELD), recipe)
            fit = Fit.begin(recipe, spec, spec.tensorize(table.slice(0, len(images) - HELD)), seed, "cpu")
            if name == "gaussian":
                found["untrained"].append(probed(fit.finish().embed(table), y))
                fit.encoder.train()
            for _ in fit.steps():
                pass
            found[name].append(probed(fit.finish().embed(table), y))
            print(f"  seed {seed}, {name}: {found[name][-1]}", flush=True)
    return found


def measure(name: str, images: np.ndarray, y: np.ndarray) -> None:
    """Measure one set of images and keep the results."""
    began = time.monotonic()
    print(f"{name}: {images.shape}", flush=True)
    found = by_directions(images, y)
    for row in found["by_directions"]:
        print(f"  {row}", flush=True)
    found["probes"] = {
        "classes": len(np.unique(y)),
        "raw": probed(images.reshape(len(images), -1) / 255.0, y),
        **pretrained(images, y, found["gaussian_std"]),
    }
    found |= {
        "images": list(images.shape),
        "held_out": HELD,
        "epochs": EPOCHS,
        "torch": version("torch"),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "seconds": round(time.monotonic() - began, 1),
    }
    result_lines.replace_block(SUITE, None, name, found, [])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", type=Path, help="The folder of cifar10_lossless_train_first4000.npz.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    measure("generated", *generated())
    if options.cifar10:
        arrays = np.load(options.cifar10 / "cifar10_lossless_train_first4000.npz")
        measure("cifar10", arrays["images"].transpose(0, 3, 1, 2).copy(), arrays["labels"])


if __name__ == "__main__":
    main()
