"""Measure the milliseconds for one augmented view of a batch of images.

python -m bench.speed.augment [--side 32] [--batch 256]

Reports the fastest of many calls: CPU time on one thread, and wall-clock time on two threads, which needs a quiet
machine. If kornia is installed, its layers of the same names and strengths are measured too.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from contramix.domains.image.augmentation.augment import ImageAugment
from contramix.domains.image.frontend import ImageFrontend

OFF = {"crop_scale": (1, 1), "crop_ratio": (1, 1), "flip": 0, "jitter": 0, "grey": 0, "blur": 0}
PARTS = {
    "bytes to floats": OFF,
    "+ crop, flip": {"jitter": 0, "grey": 0},
    "+ jitter": {"grey": 0},
    "+ grey (CIFAR's setting)": {},
    "+ blur (ImageNet's setting)": {"blur": 0.5},
}


def fastest(call: Callable[[], Tensor], clock: Callable[[], float], repeats: int) -> float:
    """Return the milliseconds of the fastest call."""
    times = []
    for _ in range(repeats):
        began = clock()
        call()
        times.append(clock() - began)
    return 1000 * min(times)


def kornia_layers(side: int) -> nn.Module:
    """Return kornia's crop, flip, color jitter and grayscale, as SimCLR uses them."""
    from kornia import augmentation

    return nn.Sequential(
        augmentation.RandomResizedCrop((side, side), scale=(0.2, 1.0), align_corners=False),
        augmentation.RandomHorizontalFlip(0.5),
        augmentation.ColorJitter(0.4, 0.4, 0.4, 0.1, p=0.8),
        augmentation.RandomGrayscale(p=0.2),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    raw = torch.randint(256, (options.batch, 3, options.side, options.side), dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    frontends = {name: ImageFrontend(ImageAugment(**settings)) for name, settings in PARTS.items()}
    calls = {name: partial(frontend.augment, raw, generator) for name, frontend in frontends.items()}
    if find_spec("kornia"):
        layers = kornia_layers(options.side)
        calls["kornia: crop, flip, jitter, grey"] = lambda: layers(raw / 255)
    print(f"{options.batch} images of {options.side} x {options.side}, ms a view")
    print(f"{'':34}1 thread  2 threads")
    for name, call in calls.items():
        cells = []
        for threads, clock in ((1, time.process_time), (2, time.perf_counter)):
            torch.set_num_threads(threads)
            cells.append(fastest(call, clock, options.repeats))
        print(f"{name:34}{cells[0]:8.1f}{cells[1]:11.1f}")


if __name__ == "__main__":
    main()
