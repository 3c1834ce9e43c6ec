"""Write and read a run's log, ``log.jsonl``: one JSON object a line.

Each line holds ``step``, ``epoch``, ``loss``, ``rate`` (the learning rate) and ``seconds`` (time since the start of the
run). About twenty lines also hold ``floor``, ``chance`` and ``health``: see
:class:`contramix.monitoring.health.Reading`.
"""

import json
from pathlib import Path
from typing import Any, TextIO

from contramix.runtime import atomic_files


def open_log(folder: Path) -> TextIO:
    """Open a run's log for appending.

    Raises
    ------
    RunError
        If the disk is full.
    InputError
        If the file cannot be opened.
    """
    try:
        return (folder / "log.jsonl").open("a", encoding="utf-8")
    except OSError as error:
        raise atomic_files.unwritable(folder / "log.jsonl", 0, error) from error


def append_line(folder: Path, log: TextIO, line: dict[str, Any]) -> None:
    """Append a line to an open log, and flush it.

    Raises
    ------
    RunError
        If the disk is full.
    InputError
        If the file cannot be written.
    """
    try:
        log.write(json.dumps(line) + "\n")
        log.flush()
    except OSError as error:
        raise atomic_files.unwritable(folder / "log.jsonl", 0, error) from error


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Read the lines of a run's log. Incomplete lines, as a killed process leaves them, are skipped."""
    lines = []
    path = folder / "log.jsonl"
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and {"step", "loss", "seconds"} <= line.keys():
            lines.append(line)
    return lines


def truncate_log(folder: Path, step: int) -> float:
    """Remove the lines after a step, which a killed process wrote after its last checkpoint.

    Returns
    -------
    float
        Seconds that the run had taken when the last line that is left was written; 0 if none is left.
    """
    kept = [line for line in read_log(folder) if line.get("step", 0) <= step]
    if (folder / "log.jsonl").exists():
        atomic_files.write(folder / "log.jsonl", "".join(json.dumps(line) + "\n" for line in kept))
    return float(kept[-1]["seconds"]) if kept else 0.0


def last_loss(folder: Path) -> float | None:
    """Return the loss in the last line of a run's log; None if it has no lines."""
    lines = read_log(folder)
    return float(lines[-1]["loss"]) if lines else None
