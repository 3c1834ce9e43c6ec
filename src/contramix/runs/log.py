"""A run's log: one JSON object a line, ``{"step", "epoch", "loss", "rate", "seconds"}``; about twenty lines also say
``{"floor", "chance", "health": {...}}`` (:class:`contramix.monitoring.health.Reading`)."""

import json
from pathlib import Path
from typing import Any

from contramix.runtime import atomic_files


def open_log(folder: Path) -> Any:
    """The log, to append to."""
    try:
        return (folder / "log.jsonl").open("a", encoding="utf-8")
    except OSError as error:
        raise atomic_files.unwritable(folder / "log.jsonl", 0, error) from error


def append(folder: Path, log: Any, line: dict[str, Any]) -> None:
    """Write a line, at once."""
    try:
        log.write(json.dumps(line) + "\n")
        log.flush()
    except OSError as error:
        raise atomic_files.unwritable(folder / "log.jsonl", 0, error) from error


def read_log(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's log that are whole."""
    lines = []
    path = folder / "log.jsonl"
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            line = json.loads(text)
        except ValueError:  # cut short by a kill
            continue
        if isinstance(line, dict) and {"step", "loss", "seconds"} <= line.keys():
            lines.append(line)
    return lines


def keep_log_until(folder: Path, step: int) -> float:
    """Forget what a killed process logged behind its last checkpoint; returns the seconds spent until there."""
    kept = [line for line in read_log(folder) if line.get("step", 0) <= step]
    if (folder / "log.jsonl").exists():
        atomic_files.write(folder / "log.jsonl", "".join(json.dumps(line) + "\n" for line in kept))
    return float(kept[-1]["seconds"]) if kept else 0.0


def last_loss(folder: Path) -> float | None:
    """The loss that was logged last."""
    lines = read_log(folder)
    return float(lines[-1]["loss"]) if lines else None
