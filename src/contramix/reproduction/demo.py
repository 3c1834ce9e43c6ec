"""Compare i-Mix and DACL with baselines on the real CovType rows that ship with the package."""

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
DRAWS = 5
PUBLISHED = {"noise.kind": "drop", "noise.rate": 0.2, "method.temperature": 0.1}
"""Settings of the i-Mix paper for CovType, which both N-pair and i-Mix with N-pair use."""


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
    """Pre-train each recipe on the 15,120 official training rows of CovType and compare the representations.

    All recipes train the same network for the same number of epochs. N-pair, with and without i-Mix, uses the
    noise and the temperature of the i-Mix paper. The other recipes use their shipped noise and temperature.

    Parameters
    ----------
    out
        Folder in which the run folders ``<recipe>/seed<n>`` are created. Finished runs in it are reused.
    epochs, seeds, device
        Number of epochs, number of runs of each recipe, and the device to train on.
    recipes, command
        Names of the recipes to compare, and the command line that the report records.
    reporter
        Receives the progress of pre-training and probing.
    """
    train, test = (read(COVTYPE / f"{split}.parquet").table for split in ("train", "test"))
    shared = {"train.epochs": epochs, "train.batch_size": BATCH, "encoder.width": WIDTH}
    changes = [shared | (PUBLISHED if name in ("npair", "imix-npair") else {}) for name in recipes]
    return compare_recipes(
        out,
        LabeledTable(train, TARGET, test, name="CovType", test_name="CovType"),
        [Recipe.load(name, changed) for name, changed in zip(recipes, changes)],
        Protocol((LABELS_PER_CLASS,), seeds, None, "accuracy", ("linear", "knn"), BASELINES, draws=max(seeds, DRAWS)),
        device=device,
        command=command,
        reporter=reporter,
    )
