"""The seed experiment: i-Mix and DACL on real CovType rows, with the plain baselines beside them."""

from collections.abc import Sequence
from pathlib import Path

from contramix.datasets import COVTYPE
from contramix.evaluation.compare import compare_recipes
from contramix.evaluation.comparison import Evaluation
from contramix.evaluation.labeled_table import LabeledTable
from contramix.evaluation.protocol import Protocol
from contramix.io.tables.reading import read
from contramix.recipe import Recipe
from contramix.training.reporter import SILENT, Reporter

TARGET = "cover_type"
RECIPES = ("gaussian", "dacl", "dacl-plus", "npair", "imix-npair")
BASELINES = ("raw", "untrained", "trees")
EPOCHS, BATCH, WIDTH = 20, 512, 256
LABELS_PER_CLASS = 20
PUBLISHED = {"noise.kind": "drop", "noise.rate": 0.2, "method.temperature": 0.1}
"""Of i-Mix's CovType rows, with and without i-Mix."""


def run_demo(
    out: Path,
    *,
    epochs: int = EPOCHS,
    seeds: int = 1,
    device: str = "auto",
    recipes: Sequence[str] = RECIPES,
    command: str = "contramix demo",
    reporter: Reporter = SILENT,
) -> Evaluation:
    """Pre-train each recipe on the 15,120 official rows, the same network for the same number of epochs, and compare.

    N-pair has noise and temperature as published, with and without i-Mix; the others are as they ship.

    Parameters
    ----------
    out
        Where the run folders go, ``<recipe>/seed<n>``; finished ones are taken as they are.
    epochs, seeds, device
        How long, how many times, and where.
    recipes, command
        What to compare, and what to write down as the call.
    reporter
        Receives the progress of pre-training and probing.
    """
    train, test = (read(COVTYPE / f"{part}.parquet").table for part in ("train", "test"))
    shared = {"train.epochs": epochs, "train.batch_size": BATCH, "encoder.width": WIDTH}
    changes = [shared | (PUBLISHED if name in ("npair", "imix-npair") else {}) for name in recipes]
    return compare_recipes(
        out,
        LabeledTable(train, TARGET, test, name="CovType", test_name="CovType"),
        [Recipe.load(name, changed) for name, changed in zip(recipes, changes)],
        Protocol((LABELS_PER_CLASS,), seeds, probes=("linear", "knn"), baselines=BASELINES),
        device=device,
        command=command,
        reporter=reporter,
    )
