"""Run suites of published tables, and keep what is small of them in bench/results/suites.

python bench/suites.py imix-table1 --scale cpu --data-dir DIR     # and all that contramix reproduce takes
python bench/write_results.py

Can be killed and run again. Kept are each block's report.json, and each run's recipe.toml, report.json and DONE.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "suites"
WORK = Path("runs") / "reproduced"
KEPT = ("recipe.toml", "report.json", "DONE")


def main() -> None:
    command = [str(Path(sys.executable).parent / "contramix"), "reproduce", *sys.argv[1:], "--out", str(WORK)]
    subprocess.run(command, check=True)
    keep()


def keep() -> None:
    """Copy what is new."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    for report in sorted(WORK.glob("*/*/*/report.json")):
        suite, scale, block = report.relative_to(WORK).parts[:3]
        out = RESULTS / suite / scale / block
        made = json.loads(report.read_text())
        kept = out / "report.json"
        if scale == "smoke" or (kept.is_file() and _scores(kept) == _scores(report)):
            continue
        shutil.rmtree(out, ignore_errors=True)
        for done in sorted(report.parent.glob("*/seed*/DONE")):
            place = out / done.parent.relative_to(report.parent)
            place.mkdir(parents=True)
            for name in KEPT:
                shutil.copy(done.parent / name, place / name)
        kept.write_text(json.dumps({**made, "commit": commit}, indent=1) + "\n")


def _scores(path: Path) -> list[list[Any]]:
    """What decides whether a report is another: not the seconds."""
    report = json.loads(path.read_text())
    scores = [[(row["name"], row["probe"], row["each"]) for row in report[part]] for part in ("rows", "parity")]
    return [*scores, report["claims"]]


if __name__ == "__main__":
    main()
