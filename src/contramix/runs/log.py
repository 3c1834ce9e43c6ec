"""Write and read a run's log, ``log.jsonl``: one JSON object per line.

Each line holds ``step``, ``epoch``, ``loss``, ``rate`` (the learning rate) and ``seconds`` (time since the start of the
run). About twenty lines also hold ``floor``, ``chance`` and ``health``: see
:class:`contramix.monitoring.health.Reading`.
"""

import json
from pathlib import Path
from typing import Any, TextIO

from contramix.runtime import atomic_files


def open_log(folder: Path) -> TextIO:
    """Open ``log.jsonl`` in a run's folder for appending lines.

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
    """Append a line to an open log, and flush it to the file.

    Parameters
    ----------
    folder
        Folder of the run, for error messages.
    log
        Log that :func:`open_log` has opened.
    line
        Values by name, such as ``{"step": 1, "loss": 4.2}``.

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
    """Read the log in a run's folder; return an empty list if there is no log.

    Each line of the log becomes a dictionary with at least the keys ``step``, ``loss`` and ``seconds``. Lines that a
    killed process left incomplete are skipped.
    """
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
    """Remove the log lines of all steps after the given one, before a run is resumed from that step.

    Returns
    -------
    float
        Duration of the run until the last remaining line, in seconds; 0 if no line remains.
    """
    kept = [line for line in read_log(folder) if line.get("step", 0) <= step]
    if (folder / "log.jsonl").exists():
        atomic_files.write(folder / "log.jsonl", "".join(json.dumps(line) + "\n" for line in kept))
    return float(kept[-1]["seconds"]) if kept else 0.0


def last_loss(folder: Path) -> float | None:
    """Return the loss in the last line of the log in a run's folder; None if the log has no lines."""
    lines = read_log(folder)
    return float(lines[-1]["loss"]) if lines else None
