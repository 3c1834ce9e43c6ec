"""Measure the milliseconds of a training step under settings of how GNU OpenMP's threads wait.

python -m bench.speed.waiting_threads [--busy]

With ``--busy`` another process occupies one core meanwhile. Results are in docs/adr/0008.
"""

import argparse
import os
import subprocess
import sys

SETTINGS = {
    "torch's default": {},
    "GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"},
    "OMP_WAIT_POLICY=PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}

STEPS = """
import time
from contramix import Recipe
from contramix.datasets import COVTYPE
from contramix.io.tables.reading import read
from contramix.models.pretraining import Fit, learn_spec
table = read(COVTYPE / "train.parquet").table
recipe = Recipe.load("imix-npair", {"train.epochs": 20, "train.batch_size": 512})
spec, _ = learn_spec(table, recipe, "cover_type")
steps = Fit.begin(recipe, spec, spec.tensorize(table), 0, "cpu").steps()
next(steps)
began, taken = time.monotonic(), 0
while time.monotonic() - began < 8:
    next(steps)
    taken += 1
print(f"{1000 * (time.monotonic() - began) / taken:.1f}")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busy", action="store_true", help="let another process occupy a core")
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"])] if parser.parse_args().busy else []
    try:
        for name, environment in SETTINGS.items():
            run = subprocess.run(
                [sys.executable, "-c", STEPS], env={**os.environ, **environment}, capture_output=True, text=True
            )
            print(f"{name}: {run.stdout.strip()} ms per step")
    finally:
        for process in busy:
            process.kill()


if __name__ == "__main__":
    main()
