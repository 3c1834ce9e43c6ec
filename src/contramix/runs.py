"""A run folder: one process at a time, resumable at any moment, finished when DONE is there.

``recipe.toml spec.json log.jsonl checkpoint/ model.safetensors config.json DONE``
"""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import pyarrow as pa
from filelock import FileLock, Timeout

from contramix import checkpoint, durable
from contramix.domains.table.spec import TableSpec
from contramix.errors import InputError, RunError
from contramix.fitting import Fit, learn_columns
from contramix.pretrained import Pretrained
from contramix.recipe import Recipe
from contramix.training import Plan, Step

SPARE = 3
"""A run needs room for about so many checkpoints: two kept and one being written."""
LOG_LINES = 500
OF_A_RUN = {"recipe.toml", "run.json", ".lock", "owner.json", "checkpoint", "DONE", "config.json"}
"""A folder that holds other files and none of these is not a run's."""

Watcher = Callable[[Plan, int, Iterator[Step]], Iterator[Step]]
"""Wraps the steps that remain of a plan, from a step on: a progress bar."""


class Interrupted(Exception):  # noqa: N818 - a request, not an error
    """A signal asked the run to stop; it stopped behind a step, with a checkpoint."""

    def __init__(self, number: int, folder: Path) -> None:
        super().__init__(f"interrupted; run the same command again to go on from the checkpoint in {folder}")
        self.exit_code = 128 + number


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    model: Pretrained
    folder: Path
    seconds: float
    resumed_from: int | None
    was_finished: bool
    loss: float | None


def pretrain_into(
    folder: Path,
    table: pa.Table,
    recipe: Recipe,
    *,
    target: str | None = None,
    also: pa.Table | None = None,
    seed: int = 0,
    device: str = "auto",
    checkpoint_seconds: float = 120.0,
    watch: Watcher | None = None,
    command: str = "",
    told: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Pre-train in a folder: begin, go on where a run stopped, or do nothing where it is finished.

    Parameters
    ----------
    folder
        The run; made if it is not there.
    table, target, also
        The rows, a column that is no input, and further rows whose columns' statistics are learned too.
    recipe, seed, device
        How to train. A run is gone on with only if all of them and the data are what they were.
    checkpoint_seconds
        The longest time between two checkpoints.
    watch, told, command
        Shows the steps; gets a line for each column left out; what to write down as the call.

    Raises
    ------
    InputError
        If the folder cannot be written, belongs to another run, or is in use.
    RunError
        If the run diverges or the disk is full; the last good checkpoint stays.
    Interrupted
        On SIGINT and SIGTERM, after a checkpoint; a second signal stops at once.
    """
    _check_place(folder)
    began = time.monotonic()
    spec, notes = learn_columns(table, recipe, target, also)
    for note in notes:
        told(note)
    # What is wrong with the data or the settings shows here, before anything is written.
    fit = Fit.begin(recipe, spec, spec.tensorize(table), seed, device)
    _make(folder)
    with _locked(folder):
        durable.remove_leftovers(folder)
        _check_same(folder, recipe, seed, spec)
        fingerprint = fit.fingerprint
        if _is_done(folder):
            _check_data(folder, fingerprint)
            model = Pretrained.load(folder, fit.x.device)
            return Outcome(model, folder, 0.0, None, True, _last_loss(folder))
        _check_room(folder, fit)
        durable.write(folder / "recipe.toml", recipe.to_toml())
        durable.write(folder / "spec.json", spec.model_dump_json(indent=1))
        durable.write(folder / "run.json", json.dumps({"seed": seed, "target": target, "fingerprint": fingerprint}))
        resumed = checkpoint.resume(folder / "checkpoint", fit.state, fingerprint)
        start = fit.state.step
        loss, spent = _train(folder, fit, fingerprint, checkpoint_seconds, watch)
        model = fit.finish()
        model.facts |= {
            "command": command,
            "target": target,
            "features": [name for name in table.column_names if name != target],
            "fingerprint": fingerprint,
            "seconds": round(spent, 3),
            "loss": loss,
        }
        model.save(folder)
        durable.write(folder / "DONE", datetime.now(UTC).isoformat(timespec="seconds") + "\n")
        return Outcome(model, folder, time.monotonic() - began, start if resumed else None, False, loss)


def _train(
    folder: Path, fit: Fit, fingerprint: str, checkpoint_seconds: float, watch: Watcher | None
) -> tuple[float | None, float]:
    start = fit.state.step
    every = max(1, fit.plan.steps // LOG_LINES)
    began = saved = time.monotonic()
    before = _keep_log_until(folder, start)
    loss: float | None = _last_loss(folder)
    place = folder / "checkpoint"
    with _signals() as signalled, _open_log(folder) as log:
        steps = fit.steps()
        for step in watch(fit.plan, start, steps) if watch else steps:
            now = time.monotonic()
            if step.step % every == 0 or step.step == fit.plan.steps:
                loss = float(step.loss)
                line = {"step": step.step, "epoch": step.epoch, "loss": loss, "rate": step.rate}
                line["seconds"] = round(before + now - began, 3)
                _append(folder, log, line)
            if signalled:
                _keep(place, fit, fingerprint)
                raise Interrupted(signalled[0], folder)
            if now - saved >= checkpoint_seconds:
                _keep(place, fit, fingerprint)
                saved = time.monotonic()
        if fit.state.step > start:
            _keep(place, fit, fingerprint)
    return loss, before + time.monotonic() - began


def _keep(place: Path, fit: Fit, fingerprint: str) -> None:
    """Save a checkpoint, which is only worth keeping if its weights are numbers."""
    state = (tensor for _, tensor in checkpoint.unique_state(fit.state.objective))
    if not all(bool(tensor.isfinite().all()) for tensor in state):
        raise RunError(f"weights are not finite after step {fit.state.step}; lower train.lr or set train.clip_norm")
    checkpoint.save(place, fit.state, fingerprint)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Signals asked for so far. The second one of a kind does what it always does: stop at once."""
    got: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        got.append(number)
        signal.signal(number, before[signal.Signals(number)])

    try:
        before = {n: signal.signal(n, note) for n in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not in the main thread: signals are not ours
        yield got
        return
    try:
        yield got
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _check_place(folder: Path) -> None:
    """Refuse, without a trace, a folder that cannot be the run's."""
    try:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        inside = {path.name for path in folder.iterdir()} if there == folder else set()
    except NotADirectoryError as error:
        raise InputError(f"--out {folder}: is a file; give a folder") from error
    except OSError as error:
        raise InputError(f"--out {folder}: cannot be read: {error.strerror or error}") from error
    if not there.is_dir():
        raise InputError(f"--out {folder}: cannot be written: {there} is not a folder; give another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"--out {folder}: cannot be written: {there} is read-only; give another")
    other = sorted(name for name in inside if not name.startswith(durable.TEMPORARY))
    if other and not OF_A_RUN & inside:
        raise InputError(f"--out {folder}: holds other files ({other[0]}, ...); give a new or empty folder")


def _is_done(folder: Path) -> bool:
    """Whether the run is finished and its model there; a model that is not is written again from the checkpoint."""
    return all((folder / name).is_file() for name in ("DONE", "config.json", "model.safetensors"))


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f"{durable.TEMPORARY}probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"--out {folder}: cannot be written: {error.strerror or error}") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
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
        raise InputError(f"{folder}: in use by another process{by}; wait for it, or give another --out") from error
    try:
        me = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        durable.write(owner, json.dumps(me))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _check_same(folder: Path, recipe: Recipe, seed: int, spec: TableSpec) -> None:
    path = folder / "recipe.toml"
    if not path.is_file() or not (folder / "run.json").is_file():
        return
    there = Recipe.from_toml(path.read_text(encoding="utf-8", errors="replace"), str(path))
    differ = recipe.differences(there)
    known = _run_facts(folder)
    if "target" in known and known["target"] != spec.target:
        differ.append(f"target: {spec.target!r} and {known['target']!r}")
    if known.get("seed") != seed:
        differ.append(f"seed: {seed} and {known.get('seed')}")
    if differ:
        raise InputError(
            f"{folder}: holds a run with other settings ({'; '.join(differ[:3])}); give another --out, or the same "
            "settings to go on with it"
        )
    old = folder / "spec.json"
    if old.is_file() and old.read_bytes() != spec.model_dump_json(indent=1).encode():
        raise InputError(f"{folder}: holds a run on other data; give another --out")


def _run_facts(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{folder / 'run.json'}: cannot be read; begin anew in another folder") from error
    if not isinstance(facts, dict):
        raise InputError(f"{folder / 'run.json'}: not what a run writes; begin anew in another folder")
    return facts


def _check_data(folder: Path, fingerprint: str) -> None:
    if _run_facts(folder).get("fingerprint") != fingerprint:
        raise InputError(f"{folder}: holds a finished run on other data; give another --out")


def _check_room(folder: Path, fit: Fit) -> None:
    weights = sum(t.numel() * t.element_size() for _, t in checkpoint.unique_state(fit.state.objective))
    need = SPARE * 3 * weights
    space = os.statvfs(folder)
    free = space.f_bavail * space.f_frsize
    if free < need:
        raise InputError(
            f"--out {folder}: the run needs about {need / 1e6:.0f} MB for its checkpoints, and {free / 1e6:.0f} MB "
            "are free there; give a folder on a disk with more room"
        )


def _open_log(folder: Path) -> Any:
    try:
        return (folder / "log.jsonl").open("a", encoding="utf-8")
    except OSError as error:
        raise durable.unwritable(folder / "log.jsonl", 0, error) from error


def _append(folder: Path, log: Any, line: dict[str, Any]) -> None:
    try:
        log.write(json.dumps(line) + "\n")
        log.flush()
    except OSError as error:
        raise durable.unwritable(folder / "log.jsonl", 0, error) from error


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


def _keep_log_until(folder: Path, step: int) -> float:
    """Forget what a killed process logged behind its last checkpoint; returns the seconds spent until there."""
    kept = [line for line in read_log(folder) if line.get("step", 0) <= step]
    if (folder / "log.jsonl").exists():
        durable.write(folder / "log.jsonl", "".join(json.dumps(line) + "\n" for line in kept))
    return float(kept[-1]["seconds"]) if kept else 0.0


def _last_loss(folder: Path) -> float | None:
    lines = read_log(folder)
    return float(lines[-1]["loss"]) if lines else None
