"""Run a block of a suite: the recipes and baselines of a published table on one data set.

``FOLDER/report.json`` holds the scores (``rows``), the scores under the paper's protocol (``parity``) and the outcomes
of the claims. Each run has a folder such as ``FOLDER/ROW/seed0`` with recipe.toml, report.json and DONE.
"""

import json
from pathlib import Path
from typing import Any

from contramix.evaluation.compare import compare_recipes
from contramix.evaluation.labeled_table import LabeledTable
from contramix.evaluation.protocol import Protocol
from contramix.evaluation.summary import as_json
from contramix.models.pretrained import environment
from contramix.recipe import Recipe
from contramix.reproduction.catalog import Scale
from contramix.reproduction.claims import judge
from contramix.reproduction.folds import cross_validate
from contramix.reproduction.sources import sample_rows
from contramix.reproduction.splits import Splits
from contramix.reproduction.suite import Block, Suite
from contramix.runtime import atomic_files
from contramix.training.reporter import SILENT, Reporter

FROZEN = ("raw", "pca", "untrained")
"""Baselines that yield features, on which the paper's probe (such as a linear classifier) can be trained."""


def reproduce(
    suite: Suite,
    block: Block,
    scale: Scale,
    splits: Splits,
    folder: Path,
    *,
    seeds: int | None = None,
    device: str = "auto",
    command: str = "",
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Run the unfinished runs of a block of a suite, write ``report.json``, and return the report as a dictionary.

    The report has, among others, the keys ``rows`` (scores of recipes and baselines, with probes tuned on training
    rows), ``parity`` (scores under the paper's protocol) and ``claims`` (whether the paper's claims hold).

    Parameters
    ----------
    suite, block, scale
        The suite (a published table), the block (the rows of the suite for one data set), and the scale to run it at,
        such as "cpu".
    splits
        Training and test records of the data set. The scale limits how many of them are used.
    folder
        Folder of the runs and reports. Finished runs in it are reused.
    seeds
        Number of runs of each recipe. None: the number that the scale defines.
    device
        Device to train on.
    command
        The command line that the report records.
    reporter
        Receives the progress of training and probing.
    """
    budget = block.scales[scale]
    count = seeds or budget.seeds
    train = sample_rows(splits.train, budget.rows)
    test = None if splits.test is None else sample_rows(splits.test, budget.test_rows)
    about = {
        "suite": suite.name,
        "block": block.label,
        "scale": scale,
        "said": budget.note,
        "seeds": count,
        "training_rows": train.num_rows,
        "test_rows": None if test is None else test.num_rows,
        "command": command,
        "environment": environment(),
    }
    recipes = block.recipes(scale)
    if block.protocol == "folds":
        report = {
            **about,
            **cross_validate(folder, train, splits.target, block.baselines, recipes, count, device, reporter),
        }
        report["precision"] = sorted({recipe.train.precision for recipe in recipes})
    else:
        report = {**about, **_probed(folder, train, test, splits.target, block, recipes, count, device, reporter)}
        precisions = set()
        for recipe in recipes:
            for seed in range(count):
                run = folder / recipe.name / f"seed{seed}"
                trained = json.loads((run / "config.json").read_text())
                precisions.add(trained["precision"])
                scores = _scores(report["rows"], recipe.name, seed)
                scores |= {
                    f"{probe} on test rows": s for probe, s in _scores(report["parity"], recipe.name, seed).items()
                }
                run_report = {**about, "row": recipe.name, "seed": seed, "scores": scores}
                run_report |= {key: trained[key] for key in ("environment", "precision")}
                atomic_files.write(run / "report.json", json.dumps(run_report, indent=1))
        report["precision"] = sorted(precisions)
    report["claims"] = judge(block, report["rows"])
    atomic_files.write(folder / "report.json", json.dumps(report, indent=1) + "\n")
    return report


def _scores(rows: list[dict[str, Any]], name: str, seed: int) -> dict[str, float]:
    """Return the scores of one run as a dictionary from probe to score.

    ``rows`` are rows of a report, ``name`` is the name of the recipe, and ``seed`` the seed of the run.
    """
    return {row["probe"]: row["each"][seed] for row in rows if row["name"] == name}


def _probed(
    folder: Path,
    train: Any,
    test: Any,
    target: str,
    block: Block,
    recipes: list[Recipe],
    seeds: int,
    device: str,
    reporter: Reporter,
) -> dict[str, Any]:
    """Pre-train the recipes, and score their frozen representations and the baselines with probes.

    Parameters
    ----------
    folder
        Folder of the runs. Finished runs in it are reused.
    train, test, target
        Tables of training and test records, and the name of the target column.
    block
        Block of the suite, which names the probes, the baselines and the metric.
    recipes, seeds
        Recipes to pre-train with, and number of runs of each.
    device, reporter
        Device to train on, and receiver of the progress.

    Returns
    -------
    dict
        Result of the comparison as :func:`contramix.evaluation.summary.as_json` returns it, with scores of probes tuned
        on training rows under ``rows``. The list ``parity`` holds the rows with the paper's probe, tuned on test rows.
    """

    def compare(probes: tuple[str, ...], baselines: tuple[str, ...], pick_on_test: bool) -> dict[str, Any]:
        evaluation = compare_recipes(
            folder,
            LabeledTable(train, target, test, extra_rows=test if block.transductive else None),
            recipes,
            Protocol((), seeds, None, block.metric, probes, baselines, pick_on_test, repeat_few=False, labels=()),
            device=device,
            reporter=reporter,
        )
        return as_json(block.label, evaluation)

    found = compare(block.probes, block.baselines, False)
    frozen = tuple(row.name for row in block.rows if row.recipe is None and row.name in FROZEN)
    parity = [] if block.parity is None else compare((block.parity,), frozen, True)["rows"]
    return {**found, "parity": parity}
