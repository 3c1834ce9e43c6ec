"""Run a block of a suite: its recipes and baselines on one data set, and keep what came out in a folder.

``FOLDER/report.json`` is the comparison, with the rows of the paper's own protocol under ``parity``, and what came out
of its claims;
``FOLDER/ROW/seed0`` and so on are the runs, each with recipe.toml, report.json and DONE.
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
from contramix.reproduction.catalogue import Scale
from contramix.reproduction.claims import judged
from contramix.reproduction.folds import cross_validate
from contramix.reproduction.sources import Parts, drawn
from contramix.reproduction.suite import Block, Suite
from contramix.runtime import atomic_files
from contramix.training.reporter import SILENT, Reporter

FROZEN = ("raw", "pca", "untrained")
"""Baselines that are features, so that the paper's probe can be put on them."""


def reproduce(
    suite: Suite,
    block: Block,
    scale: Scale,
    parts: Parts,
    folder: Path,
    *,
    seeds: int | None = None,
    device: str = "auto",
    command: str = "",
    reporter: Reporter = SILENT,
) -> dict[str, Any]:
    """Run what is not finished of a block, and write its report.

    Parameters
    ----------
    suite, block, scale
        What to run: one data set's part of a table, and how large.
    parts
        The records, all of them: the scale says how many are taken.
    folder
        Where runs and reports go; finished runs in it are taken as they are.
    seeds
        None: the scale's.
    command
        What to write down as the call.
    reporter
        Receives the progress of training and probing.
    """
    budget = block.scales[scale]
    count = seeds or budget.seeds
    train = drawn(parts.train, budget.rows)
    test = None if parts.test is None else drawn(parts.test, budget.test_rows)
    about = {
        "suite": suite.name,
        "block": block.called,
        "scale": scale,
        "said": budget.said,
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
            **cross_validate(folder, train, parts.target, block.baselines, recipes, count, device, reporter),
        }
        report["precision"] = sorted({recipe.train.precision for recipe in recipes})
    else:
        report = {**about, **_probed(folder, train, test, parts.target, block, recipes, count, device, reporter)}
        precisions = set()
        for recipe in recipes:
            for seed in range(count):
                place = folder / recipe.name / f"seed{seed}"
                trained = json.loads((place / "config.json").read_text())
                precisions.add(trained["precision"])
                scores = _scores(report["rows"], recipe.name, seed)
                scores |= {
                    f"{probe} on test rows": s for probe, s in _scores(report["parity"], recipe.name, seed).items()
                }
                mine = {**about, "row": recipe.name, "seed": seed, "scores": scores}
                mine |= {key: trained[key] for key in ("environment", "precision")}
                atomic_files.write(place / "report.json", json.dumps(mine, indent=1))
        report["precision"] = sorted(precisions)
    report["claims"] = judged(block, report["rows"])
    atomic_files.write(folder / "report.json", json.dumps(report, indent=1) + "\n")
    return report


def _scores(rows: list[dict[str, Any]], name: str, seed: int) -> dict[str, float]:
    """A row's score of one seed under each probe."""
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
    """Frozen representations, probed by settings chosen on training rows; and by the paper's probe, on test rows."""

    def compared(probes: tuple[str, ...], baselines: tuple[str, ...], pick_on_test: bool) -> dict[str, Any]:
        evaluation = compare_recipes(
            folder,
            LabeledTable(train, target, test, extra_rows=test if block.transductive else None),
            recipes,
            Protocol((), seeds, None, block.metric, probes, baselines, pick_on_test),
            device=device,
            reporter=reporter,
        )
        return as_json(block.called, evaluation)

    found = compared(block.probes, block.baselines, False)
    beside = tuple(row.name for row in block.rows if row.recipe is None and row.name in FROZEN)
    parity = [] if block.parity is None else compared((block.parity,), beside, True)["rows"]
    return {**found, "parity": parity}
