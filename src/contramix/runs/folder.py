"""Whether a folder may be a run's, and who has it: checks before anything is written, and the lock."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from contramix.domains import Spec
from contramix.errors import InputError
from contramix.models.pretraining import Fit
from contramix.recipe import Recipe
from contramix.runtime import atomic_files
from contramix.training import checkpoint

SPARE = 3
"""A run needs room for about so many checkpoints: two kept and one being written."""
OF_A_RUN = {"recipe.toml", "run.json", ".lock", "owner.json", "cache", "checkpoint", "DONE", "config.json"}
"""A folder that holds other files and none of these is not a run's."""


def check_place(folder: Path) -> None:
    """Refuse, without a trace, a folder that cannot be the run's."""
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        inside = {path.name for path in folder.iterdir()} if there == folder else set()
    except NotADirectoryError as error:
        raise InputError(f"`out` {folder}: is a file; give a folder") from error
    except OSError as error:
        raise InputError(f"`out` {folder}: cannot be read: {error.strerror or error}") from error
    if not there.is_dir():
        raise InputError(f"`out` {folder}: cannot be written: {there} is not a folder; give another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"`out` {folder}: cannot be written: {there} is read-only; give another")
    other = sorted(name for name in inside if not name.startswith(atomic_files.TEMPORARY))
    if other and not OF_A_RUN & inside:
        raise InputError(f"`out` {folder}: holds other files ({other[0]}, ...); give a new or empty folder")


def is_done(folder: Path) -> bool:
    """Whether the run is finished and its model there; a model that is not is written again from the checkpoint."""
    return all((folder / name).is_file() for name in ("DONE", "config.json", "model.safetensors"))


def make(folder: Path) -> None:
    """Make the folder, and see that it can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"{atomic_files.TEMPORARY}probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"`out` {folder}: cannot be written: {error.strerror or error}") from error


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process, however it ends."""
    lock, owner = FileLock(folder / ".lock"), folder / "owner.json"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        try:
            who = json.loads(owner.read_text())
            by = f" (process {who['pid']} on {who['host']}, since {who['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            by = ""
        raise InputError(f"{folder}: in use by another process{by}; wait for it, or give another `out`") from error
    try:
        me = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        atomic_files.write(owner, json.dumps(me))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def check_same(folder: Path, recipe: Recipe, seed: int, target: str | None) -> None:
    """Refuse to mix two runs: other settings, seed or target."""
    path = folder / "recipe.toml"
    if not path.is_file() or not (folder / "run.json").is_file():
        return
    there = Recipe.from_toml(path.read_text(encoding="utf-8", errors="replace"), str(path))
    differ = recipe.differences(there)
    known = _run_facts(folder)
    if "target" in known and known["target"] != target:
        differ.append(f"target: {target!r} and {known['target']!r}")
    if known.get("seed") != seed:
        differ.append(f"seed: {seed} and {known.get('seed')}")
    if differ:
        raise InputError(
            f"{folder}: holds a run with other settings ({'; '.join(differ[:3])}); give another `out`, or the same "
            "settings to go on with it"
        )


def check_columns(folder: Path, spec: Spec) -> None:
    """Refuse to mix two runs: other columns, or other statistics of them."""
    old = folder / "spec.json"
    if old.is_file() and old.read_bytes() != spec.model_dump_json(indent=1).encode():
        raise InputError(f"{folder}: holds a run on other data; give another `out`")


def _run_facts(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / 'run.json'}: cannot be read; begin anew in another folder") from error
    if not isinstance(facts, dict):
        raise InputError(f"{folder / 'run.json'}: not what a run writes; begin anew in another folder")
    return facts


def was_cached(folder: Path) -> bool | None:
    """Whether a run that was begun reads its rows from a cache; None where none was begun."""
    return bool(_run_facts(folder).get("cached")) if os.path.isfile(folder / "run.json") else None


def check_data(folder: Path, source: str) -> None:
    """Refuse to take a finished run for one on other data."""
    known = _run_facts(folder)
    if known.get("source", known.get("fingerprint")) != source:
        raise InputError(f"{folder}: holds a finished run on other data; give another `out`")


def check_room(folder: Path, fit: Fit) -> None:
    """Refuse to begin what the disk cannot hold."""
    weights = sum(t.numel() * t.element_size() for _, t in checkpoint.unique_state(fit.state.objective))
    check_space(folder, SPARE * 3 * weights, "its checkpoints")


def check_space(folder: Path, need: int, what: str) -> None:
    """Refuse to begin what the disk has not so many bytes for."""
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if free < need:
        raise InputError(
            f"`out` {folder}: the run needs about {need / 1e6:.0f} MB for {what}, and {free / 1e6:.0f} MB are free "
            "there; give a folder on a disk with more room"
        )
