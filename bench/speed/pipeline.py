"""Measure the share of a training step that is spent on getting the batch and on making views.

python -m bench.speed.pipeline --data-dir DIR

DIR holds ``fsdd/``, ``speech_commands/`` and ``fashion_mnist/``; the first images of the last are also written as PNG
files and streamed. Times are medians of wall-clock time in one run; the shares are what counts. Streamed images are
decoded while a step runs, so their cost is the difference to the step in memory.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from contramix.domains import DOMAINS
from contramix.domains.image.reading import read as read_images
from contramix.io.options import ReadOptions
from contramix.models.pretraining import Fit, learn_spec
from contramix.recipe import Recipe
from contramix.runtime.randomness import Key
from contramix.training.loop import order

STEPS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    data = parser.parse_args().data_dir
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, cnn of width 16, batch 256, imix-npair")
    print(f"{'':40} {'step ms':>8} {'batch %':>8} {'views %':>8}")
    for name, domain, path in (
        ("Fashion-MNIST in memory", "image", data / "fashion_mnist"),
        ("FSDD in memory", "audio", data / "fsdd"),
        ("Speech Commands in memory", "audio", data / "speech_commands"),
    ):
        recipe = Recipe.load("imix-npair", domain=domain)
        report(name, recipe, DOMAINS[domain].read(path, ReadOptions(), recipe.data).training)
    with tempfile.TemporaryDirectory() as folder:
        recipe = Recipe.load("imix-npair", domain="image")
        write_images(data / "fashion_mnist", Path(folder))
        for name, limit in (("2,000 PNG files in memory", 2**31), ("2,000 PNG files, streamed", 1)):
            report(name, recipe, read_images(folder, ReadOptions(), recipe.data, in_memory_bytes=limit).table)


def write_images(source: Path, folder: Path) -> None:
    """Write the first 2,000 images as PNG files."""
    from PIL import Image

    recipe = Recipe.load("npair", domain="image")
    table = DOMAINS["image"].read(source, ReadOptions(), recipe.data).table.slice(0, 2000)
    for n, image in enumerate(table.column("image").combine_chunks().to_numpy_ndarray()):
        Image.fromarray(image[0]).save(folder / f"{n:04}.png")


def report(name: str, recipe: Recipe, table: object) -> None:
    """Print the time of a step, and the shares of fetching its batch from memory and of making both views."""
    spec, _ = learn_spec(table, recipe)
    fit = Fit.begin(recipe, spec, spec.tensorize(table), seed=0)
    epochs = max(2, -(-(STEPS + 3) // fit.plan.steps_per_epoch))
    fit = replace(fit, plan=fit.plan._replace(epochs=epochs))
    front, noise = fit.encoder.front, recipe.noise
    x = fit.x[torch.arange(fit.plan.batch_size)]
    generator = Key(0).generator()
    views = median(timed(lambda: noise.views_of_samples(front, x, generator)) for _ in range(STEPS))
    steps = iter(fit.steps())
    step = median(timed(lambda: next(steps)) for _ in range(STEPS))
    indexes = list(order(fit.x, fit.plan, 0))[:STEPS]
    if isinstance(fit.x, Tensor):
        batch = f"{100 * median(timed(lambda index=index: fit.x[index]) for index in indexes) / step:8.2f}"
    else:
        batch = f"{'':8}"
    print(f"{name:40} {1e3 * step:8.0f} {batch} {100 * views / step:8.1f}", flush=True)


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
