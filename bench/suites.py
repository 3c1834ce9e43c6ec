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
        if scale == "smoke" or (out.is_dir() and _same(out / "report.json", made)):
            continue
        out.mkdir(parents=True, exist_ok=True)
        for run in sorted(report.parent.glob("*/seed*")):
            place = out / run.relative_to(report.parent)
            place.mkdir(parents=True, exist_ok=True)
            for name in KEPT:
                shutil.copy(run / name, place / name)
        (out / "report.json").write_text(json.dumps({**made, "commit": commit}, indent=1) + "\n")


def _same(path: Path, made: dict) -> bool:
    kept = json.loads(path.read_text()) if path.is_file() else {}
    return {name: value for name, value in kept.items() if name != "commit"} == made


if __name__ == "__main__":
    main()
