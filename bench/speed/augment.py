"""Milliseconds for one augmented view of a batch of pictures: python -m bench.speed.augment [--side 32] [--batch 256]

The fastest of many calls: processor time of one thread, and time on the clock of two, which needs a machine that does
nothing else. Where kornia is installed, its own layers of the same names and strengths stand beside.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from contramix.domains.image.augmentation.augment import ImageAugment
from contramix.domains.image.frontend import ImageFront

OFF = {"crop_scale": (1, 1), "crop_ratio": (1, 1), "flip": 0, "jitter": 0, "grey": 0, "blur": 0}
PARTS = {
    "bytes to floats": OFF,
    "+ crop, flip": {"jitter": 0, "grey": 0},
    "+ jitter": {"grey": 0},
    "+ grey (CIFAR's setting)": {},
    "+ blur (ImageNet's setting)": {"blur": 0.5},
}


def fastest(call: Callable[[], Tensor], clock: Callable[[], float], repeats: int) -> float:
    """Milliseconds of the fastest call."""
    times = []
    for _ in range(repeats):
        began = clock()
        call()
        times.append(clock() - began)
    return 1000 * min(times)


def kornias(side: int) -> nn.Module:
    """kornia's crop, flip, jitter and grey, as SimCLR uses them."""
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
    asked = parser.parse_args()
    raw = torch.randint(256, (asked.batch, 3, asked.side, asked.side), dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    fronts = {name: ImageFront(ImageAugment(**settings)) for name, settings in PARTS.items()}
    calls = {name: partial(front.augment, raw, generator) for name, front in fronts.items()}
    if find_spec("kornia"):
        layers = kornias(asked.side)
        calls["kornia: crop, flip, jitter, grey"] = lambda: layers(raw / 255)
    print(f"{asked.batch} pictures of {asked.side} x {asked.side}, ms a view")
    print(f"{'':34}1 thread  2 threads")
    for name, call in calls.items():
        cells = []
        for threads, clock in ((1, time.process_time), (2, time.perf_counter)):
            torch.set_num_threads(threads)
            cells.append(fastest(call, clock, asked.repeats))
        print(f"{name:34}{cells[0]:8.1f}{cells[1]:11.1f}")


if __name__ == "__main__":
    main()
