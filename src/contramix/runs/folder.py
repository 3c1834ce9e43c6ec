"""Check that a folder can hold a run before anything is written, and lock it."""

import json
import math
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

CHECKPOINTS_ON_DISK = checkpoint.CHECKPOINTS_TO_KEEP + 1
"""Number of checkpoints for which a run needs disk space: those that are kept, and one that is being written."""
VECTORS = "vectors"
"""Name of the folder in a run's folder with the vectors that a backbone has computed."""
RUN_FILES = {VECTORS, "recipe.toml", "run.json", ".lock", "owner.json", "cache", "checkpoint", "DONE", "config.json"}
"""Names of the files of a run. A folder with files, but without any of these, is not the folder of a run."""


def check_folder(folder: Path) -> None:
    """Check that a run can be started or resumed in a folder: it is writable, and empty, missing or a run's folder.

    Nothing is written.

    Raises
    ------
    InputError
        If the folder cannot be written, is a file, or holds other files.
    """
    try:
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        names = {path.name for path in folder.iterdir()} if existing == folder else set()
    except NotADirectoryError as error:
        raise InputError(f"`out` {folder}: is a file; give a folder") from error
    except OSError as error:
        raise InputError(f"`out` {folder}: cannot be read: {error.strerror or error}") from error
    if not existing.is_dir():
        raise InputError(f"`out` {folder}: cannot be written: {existing} is not a folder; give another")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"`out` {folder}: cannot be written: {existing} is read-only; give another")
    other = sorted(name for name in names if not name.startswith(atomic_files.TEMPORARY))
    if other and not RUN_FILES & names:
        raise InputError(f"`out` {folder}: holds other files ({other[0]}, ...); give a new or empty folder")


def is_finished(folder: Path) -> bool:
    """Return whether a folder holds a finished run with its model.

    If the model's files are missing, the run counts as unfinished, and running it again restores them.
    """
    return all((folder / name).is_file() for name in ("DONE", "config.json", "model.safetensors"))


def create_folder(folder: Path) -> None:
    """Create a folder if it does not exist, and check that files can be written in it.

    Raises
    ------
    InputError
        If the folder cannot be created, or files cannot be written in it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"{atomic_files.TEMPORARY}probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"`out` {folder}: cannot be written: {error.strerror or error}") from error


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Lock a folder within a ``with`` block, so that only one process uses it at a time.

    The operating system releases the lock if the process is killed.

    Raises
    ------
    InputError
        If another process has locked the folder.
    """
    lock, owner = FileLock(folder / ".lock"), folder / "owner.json"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        try:
            holder = json.loads(owner.read_text())
            by = f" (process {holder['pid']} on {holder['host']}, since {holder['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            by = ""
        raise InputError(f"{folder}: in use by another process{by}; wait for it, or give another `out`") from error
    try:
        this_process = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        atomic_files.write(owner, json.dumps(this_process))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def check_same_run(folder: Path, recipe: Recipe, seed: int, target: str | None) -> None:
    """Check that a folder holds no run, or a run with the given recipe, seed and target column.

    Raises
    ------
    InputError
        If the run in the folder has another recipe, seed or target.
    """
    path = folder / "recipe.toml"
    if not path.is_file() or not (folder / "run.json").is_file():
        return
    earlier = Recipe.from_toml(path.read_text(encoding="utf-8", errors="replace"), str(path))
    differ = recipe.differences(earlier)
    facts = _run_facts(folder)
    if "target" in facts and facts["target"] != target:
        differ.append(f"target: {target!r} and {facts['target']!r}")
    if facts.get("seed") != seed:
        differ.append(f"seed: {seed} and {facts.get('seed')}")
    if differ:
        raise InputError(
            f"{folder}: holds a run with other settings ({'; '.join(differ[:3])}); give another `out`, or the same "
            "settings to go on with it"
        )


def check_same_spec(folder: Path, spec: Spec) -> None:
    """Check that a folder holds no run, or a run on data with the given specification.

    Statistics may differ by rounding, because another processor adds numbers in another order.

    Raises
    ------
    InputError
        If the run in the folder has another specification, because its data have other columns or other statistics.
    """
    path = folder / "spec.json"
    if not path.is_file():
        return
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        known = None
    if not _nearly_equal(known, json.loads(spec.model_dump_json())):
        raise InputError(f"{folder}: holds a run on other data; give another `out`")


def _nearly_equal(a: Any, b: Any) -> bool:
    """Return whether two values of JSON are equal, where floats may differ by a millionth of their size."""
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-12)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_nearly_equal(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_nearly_equal, a, b))
    return type(a) is type(b) and bool(a == b)


def _run_facts(folder: Path) -> dict[str, Any]:
    """Read run.json in a run's folder, and return its content as a dictionary.

    The keys are ``seed``, ``target``, ``fingerprint`` and ``source`` (hashes of the training samples and of their
    source), and ``cached`` (whether the run uses a cache). Files of older versions may lack some of them.
    """
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / 'run.json'}: cannot be read; begin anew in another folder") from error
    if not isinstance(facts, dict):
        raise InputError(f"{folder / 'run.json'}: not what a run writes; begin anew in another folder")
    return facts


def uses_cache(folder: Path) -> bool | None:
    """Return whether the run in a folder reads its rows from a cache; None if the folder holds no run."""
    return bool(_run_facts(folder).get("cached")) if os.path.isfile(folder / "run.json") else None


def check_same_data(folder: Path, fingerprint: str) -> None:
    """Check that the finished run in a folder was trained on data with the given fingerprint (hash).

    Raises
    ------
    InputError
        If the run was trained on other data.
    """
    facts = _run_facts(folder)
    if facts.get("source", facts.get("fingerprint")) != fingerprint:
        raise InputError(f"{folder}: holds a finished run on other data; give another `out`")


def check_space_for_checkpoints(folder: Path, fit: Fit) -> None:
    """Check that the disk of a run's folder has space for its checkpoints.

    Parameters
    ----------
    folder
        Folder of the run.
    fit
        State of the training, including the networks and the optimizer that checkpoints hold.

    Raises
    ------
    InputError
        If the disk has too little space.
    """
    weights = sum(t.numel() * t.element_size() for _, t in checkpoint.unique_state(fit.state.objective))
    # An optimizer keeps up to two numbers for each weight.
    check_space(folder, CHECKPOINTS_ON_DISK * 3 * weights, "its checkpoints")


def check_space(folder: Path, needed: int, what: str) -> None:
    """Check that the disk of a folder has space for a number of bytes.

    Parameters
    ----------
    folder
        Existing folder on the disk.
    needed
        Number of bytes that will be written.
    what
        Name of the files that need the space, for the error message.

    Raises
    ------
    InputError
        If there is less space.
    """
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if free < needed:
        raise InputError(
            f"`out` {folder}: the run needs about {needed / 1e6:.0f} MB for {what}, and {free / 1e6:.0f} MB are free "
            "there; give a folder on a disk with more room"
        )
