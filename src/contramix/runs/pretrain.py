"""A run folder: one process at a time, resumable at any moment, finished when DONE is there.

``recipe.toml spec.json log.jsonl checkpoint/ model.safetensors config.json DONE``, and while a large table is learned
from, ``cache/``.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from contramix.domains.table.unread import UnreadTable
from contramix.errors import RunError
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import Fit, learn_spec, resolve_device
from contramix.monitoring.alarms import Alarms
from contramix.monitoring.data_rank import data_rank
from contramix.monitoring.health import Health, Reading, looked_at
from contramix.recipe import Recipe
from contramix.runs import table_cache
from contramix.runs.folder import (
    check_columns,
    check_data,
    check_place,
    check_room,
    check_same,
    is_done,
    locked,
    make,
)
from contramix.runs.log import append, keep_log_until, last_loss, open_log, read_log
from contramix.runtime import atomic_files, distributed
from contramix.runtime.signals import Interrupted, signals
from contramix.training import checkpoint
from contramix.training.reporter import SILENT, Reporter

LOG_LINES = 500


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
    table: pa.Table | UnreadTable,
    recipe: Recipe,
    *,
    target: str | None = None,
    also: pa.Table | None = None,
    seed: int = 0,
    device: str = "auto",
    checkpoint_seconds: float = 120.0,
    command: str = "",
    reporter: Reporter = SILENT,
) -> Outcome:
    """Pre-train in a folder: begin, go on where a run stopped, or do nothing where it is finished.

    Of several processes the first one calls this, and the others :func:`contramix.runs.worker.follow`.

    Parameters
    ----------
    folder
        The run; made if it is not there.
    table, target, also
        The rows, a column that is no input, and further rows whose columns' statistics are learned too. Rows of a
        large table never lie in memory together: see :mod:`contramix.runs.table_cache`.
    recipe, seed, device
        How to train. A run is resumed only if recipe, seed and data are what they were; another device warns.
    checkpoint_seconds
        The longest time between two checkpoints.
    command
        Command line to write down in the model's config.json.
    reporter
        Receives the training steps, a note for each column left out and for each alarm when it is raised, and how
        far a large table is read.

    Raises
    ------
    InputError
        If the folder cannot be written, belongs to another run, or is in use.
    RunError
        If the run diverges or the disk is full; the last good checkpoint stays.
    Interrupted
        On SIGINT and SIGTERM, after a checkpoint; a second signal stops at once.
    """
    check_place(folder)
    began = time.monotonic()
    large = isinstance(table, UnreadTable)
    if not isinstance(table, UnreadTable):
        spec, notes = learn_spec(table, recipe, target, also)
        for note in notes:
            reporter.note(note)
        # What is wrong with the data or the settings shows here, before anything is written.
        fit = Fit.begin(recipe, spec, spec.tensorize(table), seed, device)
        distributed.meet()
        names, labels = table.column_names, None if target is None else table.column(target)
    make(folder)
    with locked(folder):
        atomic_files.remove_leftovers(folder)
        check_same(folder, recipe, seed, target)
        if isinstance(table, UnreadTable):
            source = table.fingerprint
        else:
            check_columns(folder, fit.spec)
            source = fit.fingerprint
        if is_done(folder):
            check_data(folder, source)
            table_cache.remove(folder)
            distributed.from_first({"finished": True})
            model = Pretrained.load(folder, resolve_device(device))
            return Outcome(model, folder, 0.0, None, True, last_loss(folder))
        if isinstance(table, UnreadTable):
            with signals() as signalled:
                phases = table_cache.Phases(reporter, lambda: _stop_if(signalled, folder))
                cached = table_cache.open_cache(folder, table, target, lambda rows: looked_at(rows, seed), phases)
            for note in cached.notes:
                reporter.note(note)
            fit = Fit.begin(recipe, cached.spec, cached.x, seed, device)
            check_columns(folder, fit.spec)
            names, labels = cached.names, cached.labels
        else:
            table_cache.remove(folder)
        check_room(folder, fit)
        fingerprint = fit.fingerprint
        atomic_files.write(folder / "recipe.toml", recipe.to_toml())
        atomic_files.write(folder / "spec.json", fit.spec.model_dump_json(indent=1))
        run = {"seed": seed, "target": target, "fingerprint": fingerprint, "source": source, "cached": large}
        atomic_files.write(folder / "run.json", json.dumps(run))
        resumed = checkpoint.resume(folder / "checkpoint", fit.state, fingerprint)
        start = fit.state.step
        distributed.from_first({"finished": False, "fingerprint": fingerprint, "resumed": resumed})
        if resumed and distributed.size() > 1:
            distributed.bytes_from_first(checkpoint.packed(fit.state, fingerprint))
        alarms = Alarms(fit)
        loss, spent = _train(folder, fit, Health(fit, labels), alarms, fingerprint, checkpoint_seconds, reporter)
        with distributed.alone():
            fit.seen = alarms.facts() | {"data_rank": data_rank(fit.encoder, fit.x, fit.spec.layout())}
            model = fit.finish()
        model.facts |= {
            "processes": distributed.size(),
            "command": command,
            "target": target,
            "features": [name for name in names if name != target],
            "fingerprint": fingerprint,
            "seconds": round(spent, 3),
            "loss": loss,
        }
        model.save(folder)
        atomic_files.write(folder / "DONE", datetime.now(UTC).isoformat(timespec="seconds") + "\n")
        table_cache.remove(folder)
        distributed.from_first("written")
        return Outcome(model, folder, time.monotonic() - began, start if resumed else None, False, loss)


def _stop_if(signalled: Sequence[int], folder: Path) -> None:
    if signalled:
        raise Interrupted(signalled[0], folder)


def _train(
    folder: Path,
    fit: Fit,
    health: Health,
    alarms: Alarms,
    fingerprint: str,
    checkpoint_seconds: float,
    reporter: Reporter,
) -> tuple[float | None, float]:
    start = fit.state.step
    every = max(1, fit.plan.steps // LOG_LINES)
    began = saved = time.monotonic()
    before = keep_log_until(folder, start)
    loss: float | None = last_loss(folder)
    for line in read_log(folder):  # what was raised before the run was interrupted
        if "health" in line:
            alarms.see(Reading.of(line))
    place = folder / "checkpoint"
    with signals() as signalled, open_log(folder) as log:
        for step in reporter.steps(fit.recipe.name, fit.plan, start, fit.steps()):
            now = time.monotonic()
            with distributed.alone():
                reading = health.read(step) if step.step in health.due else None
            if reading or step.step % every == 0 or step.step == fit.plan.steps:
                loss = float(step.loss)
                line = {"step": step.step, "epoch": step.epoch, "loss": loss, "rate": step.rate}
                line["seconds"] = round(before + now - began, 3)
                append(folder, log, line | (reading.line() if reading else {}))
            for alarm in alarms.see(reading) if reading else ():
                reporter.note(str(alarm))
            if number := distributed.agreed(max(signalled, default=0)):
                _keep(place, fit, fingerprint)
                distributed.from_first("kept")
                raise Interrupted(number, folder)
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
