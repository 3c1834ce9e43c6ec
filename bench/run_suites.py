"""Run suites of published tables, and collect their results in bench/results/SUITE.jsonl.

python -m bench.run_suites imix-table1 --scale cpu --data-dir DIR     # and every option of contramix reproduce
python -m bench.write_results

It can be killed and run again: run folders lie in runs/reproduced, and finished runs are not repeated. A block is
collected if its scores differ from those that are kept.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import result_lines
from bench.result_lines import Line, Report
from contramix.reproduction.catalog import shipped
from contramix.reproduction.suite import Block, Suite

WORK = Path("runs") / "reproduced"
OF_THE_BLOCK = ("suite", "block", "scale", "said", "seeds", "training_rows", "test_rows", "command")
"""Facts that a run's report repeats from the report of its block."""


def main() -> None:
    command = [str(Path(sys.executable).parent / "contramix"), "reproduce", *sys.argv[1:], "--out", str(WORK)]
    subprocess.run(command, check=True)
    collect(WORK)


def collect(work: Path) -> None:
    """Collect the blocks whose scores are new from the folder of ``contramix reproduce``."""
    commit = result_lines.current_commit()
    for path in sorted(work.glob("*/*/*/report.json")):
        suite, scale, block = path.relative_to(work).parts[:3]
        report = json.loads(path.read_text())
        kept = result_lines.reports(suite).get((scale, block))
        if scale != "smoke" and (kept is None or scores(kept) != scores(report)):
            report["commit"] = commit
            result_lines.replace_block(suite, scale, block, report, runs_of(path.parent, report))


def runs_of(folder: Path, report: Report) -> list[Line]:
    """Return a line for each finished run in the folder of a block."""
    rows = recipes_and_changes(report)
    runs = []
    for done in sorted(folder.glob("*/seed*/DONE")):
        facts = json.loads(done.with_name("report.json").read_text())
        facts = {key: value for key, value in facts.items() if key not in OF_THE_BLOCK}
        row, seed = done.parts[-3], int(done.parts[-2].removeprefix("seed"))
        if "scores" not in facts:  # ten folds, by two protocols
            facts["scores"] = {name: facts.pop(name) for name in ("published", "honest") if name in facts}
            facts["data_fingerprint"] = facts.pop("data")
        recipe, changes = rows.get(row, (None, None))
        line = {"row": row, "seed": seed, "recipe": recipe, "changes": changes, "finished": done.read_text().strip()}
        line["settings"] = result_lines.settings_id(done.with_name("recipe.toml"))
        runs.append({**line, "environment": report["environment"], "commit": report["commit"], **facts})
    return runs


def recipes_and_changes(report: Report) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the shipped recipe and the changed settings of each row, as the suite's file states them."""
    path = shipped().get(report["suite"])
    blocks: list[Block] = [] if path is None else list(Suite.load(path).data)
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for block in blocks:
        if block.label == report["block"] and report["scale"] in block.scales:
            budget = block.scales[report["scale"]].set
            for row in block.rows:
                paper = row.paper if report["scale"] == "paper" else {}
                if row.recipe is not None:
                    found[row.name] = (row.recipe, {**block.set, **row.set, **budget, **paper})
    return found


def scores(report: Report) -> list[Any]:
    """Return what decides whether a report is new: its scores and claims, not its times."""
    rows = [[(row["name"], row["probe"], row["each"]) for row in report[part]] for part in ("rows", "parity")]
    return [*rows, report["claims"]]


if __name__ == "__main__":
    main()
