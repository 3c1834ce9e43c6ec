"""Measure the time until something happens: imports, ``--help`` and the first training step.

python -m bench.speed.startup [--rounds 7]

Times complete processes, one after the other in each round; reports medians over rounds of wall-clock seconds, and of
the ratio to importing torch and scikit-learn.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

FIRST_STEP = """
import pyarrow.parquet as pq
from contramix.datasets import COVTYPE
from contramix.models.pretraining import Fit, learn_spec
from contramix.recipe import Recipe
recipe = Recipe.load("imix-npair")
table = pq.read_table(COVTYPE / "train.parquet")
spec, _ = learn_spec(table, recipe, "cover_type")
next(Fit.begin(recipe, spec, spec.tensorize(table), seed=0).steps())
"""
CALLS = {
    "contramix --help": ["-m", "contramix", "--help"],
    "contramix pretrain --help": ["-m", "contramix", "pretrain", "--help"],
    "import torch, sklearn": ["-c", "import torch, sklearn"],
    "import contramix and its estimator": ["-c", "from contramix import ContrastiveEncoder"],
    "first training step, 15,120 rows": ["-c", FIRST_STEP],
}
REFERENCE = "import torch, sklearn"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    for row in measure(parser.parse_args().rounds):
        print(f"{row['what']:36} {row['seconds']:6.2f} s   {row['share']:5.2f} x {REFERENCE}   torch: {row['torch']}")


def measure(rounds: int = 7) -> Iterator[dict[str, Any]]:
    """Yield a row for each call; ``torch`` states whether it imports torch."""
    found: dict[str, list[float]] = {name: [] for name in CALLS}
    for turn in range(rounds + 1):
        for name, call in CALLS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *call], check=True, capture_output=True)
            if turn:  # the first time reads files from the disk
                found[name].append(time.perf_counter() - began)
    for name, times in found.items():
        imports = subprocess.run([sys.executable, "-X", "importtime", *CALLS[name]], check=True, capture_output=True)
        yield {
            "what": name,
            "seconds": median(times),
            "share": median(a / b for a, b in zip(times, found[REFERENCE])),
            "torch": any(line.split()[-1:] == [b"torch"] for line in imports.stderr.splitlines()),
        }


if __name__ == "__main__":
    main()
