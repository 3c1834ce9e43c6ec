"""What is kept of a comparison's folder: its report, and of each run the recipe and the facts."""

import json
import shutil
from pathlib import Path


def keep(place: Path, out: Path, **facts: object) -> None:
    """Copy what is small from the folder of ``contramix compare``, with more facts in the report."""
    out.mkdir(parents=True, exist_ok=True)
    report = json.loads((place / "report.json").read_text())
    (out / "report.json").write_text(json.dumps({**report, **facts}, indent=1) + "\n")
    for config in sorted(place.glob("*/seed*/config.json")):
        kept = out / config.parent.relative_to(place)
        kept.mkdir(parents=True, exist_ok=True)
        for file in ("recipe.toml", "config.json"):
            shutil.copy(config.parent / file, kept / file)
