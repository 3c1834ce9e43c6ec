"""What a user waits for before anything happens: python -m bench.speed.startup [--rounds 7]

Whole processes, one after the other in each round; medians over rounds of seconds on the clock, and of the share.
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
BESIDE = "import torch, sklearn"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    for row in measure(parser.parse_args().rounds):
        print(f"{row['what']:36} {row['seconds']:6.2f} s   {row['share']:5.2f} x {BESIDE}   torch: {row['torch']}")


def measure(rounds: int = 7) -> Iterator[dict[str, Any]]:
    """A row for each call; whether it loads torch is asked of the interpreter."""
    found: dict[str, list[float]] = {name: [] for name in CALLS}
    for turn in range(rounds + 1):
        for name, call in CALLS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *call], check=True, capture_output=True)
            if turn:  # the first time, files come from the disk
                found[name].append(time.perf_counter() - began)
    for name, times in found.items():
        said = subprocess.run([sys.executable, "-X", "importtime", *CALLS[name]], check=True, capture_output=True)
        yield {
            "what": name,
            "seconds": median(times),
            "share": median(mine / theirs for mine, theirs in zip(times, found[BESIDE])),
            "torch": any(line.split()[-1:] == [b"torch"] for line in said.stderr.splitlines()),
        }


if __name__ == "__main__":
    main()
