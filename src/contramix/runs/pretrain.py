"""Pre-train a model in a folder: resumable at any moment, used by one process at a time, finished when DONE exists.

The folder holds ``recipe.toml spec.json run.json log.jsonl checkpoint/ model.safetensors config.json DONE``, and
``cache/`` while a large table is trained on.
"""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from contramix.errors import RunError
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import Fit, resolve_device
from contramix.monitoring.alarms import Alarms
from contramix.monitoring.data_rank import data_rank
from contramix.monitoring.health import Health, Reading
from contramix.recipe import Recipe
from contramix.runs import table_cache
from contramix.runs.folder import (
    check_folder,
    check_same_data,
    check_same_run,
    check_same_spec,
    check_space_for_checkpoints,
    create_folder,
    is_finished,
    lock_folder,
)
from contramix.runs.log import append_line, last_loss, open_log, read_log, truncate_log
from contramix.runs.source import CachedSource, MemorySource, Prepared, Source
from contramix.runtime import atomic_files, distributed
from contramix.runtime.signals import Interrupted, signals
from contramix.training import checkpoint
from contramix.training.reporter import SILENT, Reporter

LOG_LINES = 500
"""Approximate number of lines in the log of a finished run."""


@dataclass(frozen=True)
class RunOptions:
    """Configure how a run is saved. These options do not change the trained model.

    Parameters
    ----------
    checkpoint_seconds
        Longest time between two checkpoints, in seconds.
    command
        Command line that started the run, which is saved in the model's config.json.
    """

    checkpoint_seconds: float = 120.0
    command: str = ""


DEFAULTS = RunOptions()


@dataclass(frozen=True)
class Outcome:
    """Describe the result of a call of :func:`pretrain_into`.

    Parameters
    ----------
    model, folder
        Trained model, and the folder in which it is saved.
    seconds
        Time that this call took; 0 if the run was finished before.
    resumed_from
        Number of steps taken before the checkpoint from which the run was resumed; None if it was not resumed.
    was_finished
        Whether an earlier call had finished the run.
    loss
        Last loss in the log; None if the log is empty.
    """

    model: Pretrained
    folder: Path
    seconds: float
    resumed_from: int | None
    was_finished: bool
    loss: float | None


def pretrain_into(
    folder: Path,
    source: Source,
    recipe: Recipe,
    *,
    seed: int = 0,
    device: str = "auto",
    options: RunOptions = DEFAULTS,
    reporter: Reporter = SILENT,
) -> Outcome:
    """Pre-train a model in a folder: start a run, resume a stopped one, or load the model of a finished one.

    If several processes train together, process 0 calls this function, and the others call
    :func:`contramix.runs.worker.run_worker`.

    Parameters
    ----------
    folder
        Folder of the run. It is created if it does not exist.
    source
        Records to train on; see :func:`contramix.runs.source.open_source`.
    recipe, seed, device
        How to train, seed of all random draws, and name of the device. A run is resumed only if recipe, seed and data
        are the same as before.
    options
        Time between checkpoints, and the command line to record.
    reporter
        Receives training steps, notes for the user (columns that are left out, alarms), and the progress of reading a
        large table.

    Raises
    ------
    InputError
        If the folder cannot be used or holds another run, or if the data or the recipe are wrong.
    RunError
        If the run diverges or the disk is full. The last good checkpoint stays.
    Interrupted
        On SIGINT and SIGTERM, after a checkpoint. A second signal stops at once.
    """
    check_folder(folder)
    began, early = time.monotonic(), None
    if isinstance(source, MemorySource):  # Errors in data or recipe are raised here, before anything is written.
        early = source.prepare(folder, recipe, seed, device, reporter)
    create_folder(folder)
    with lock_folder(folder):
        atomic_files.remove_leftovers(folder)
        check_same_run(folder, recipe, seed, source.target)
        if early is not None:
            check_same_spec(folder, early.fit.spec)
            table_cache.remove_cache(folder)
        if is_finished(folder):
            check_same_data(folder, source.fingerprint(early))
            table_cache.remove_cache(folder)
            distributed.broadcast_object({"finished": True})
            model = Pretrained.load(folder, resolve_device(device))
            return Outcome(model, folder, 0.0, None, True, last_loss(folder))
        prepared = early or source.prepare(folder, recipe, seed, device, reporter)
        resumed_from = _begin(folder, source, prepared)
        model, loss = _train(folder, source, prepared, options, reporter)
        return Outcome(model, folder, time.monotonic() - began, resumed_from, False, loss)


def _begin(folder: Path, source: Source, prepared: Prepared) -> int | None:
    """Write the recipe, specification and run.json to a run's folder, and load the last checkpoint if there is one.

    Return the number of steps taken before that checkpoint, or None if there is no checkpoint.
    """
    fit = prepared.fit
    check_same_spec(folder, fit.spec)
    check_space_for_checkpoints(folder, fit)
    atomic_files.write(folder / "recipe.toml", fit.recipe.to_toml())
    atomic_files.write(folder / "spec.json", fit.spec.model_dump_json(indent=1))
    facts = {"seed": fit.seed, "target": source.target, "fingerprint": fit.fingerprint}
    facts |= {"source": source.fingerprint(prepared), "cached": isinstance(source, CachedSource)}
    atomic_files.write(folder / "run.json", json.dumps(facts))
    resumed = checkpoint.resume(folder / "checkpoint", fit.state, fit.fingerprint)
    distributed.broadcast_object({"finished": False, "fingerprint": fit.fingerprint, "resumed": resumed})
    if resumed and distributed.world_size() > 1:
        distributed.broadcast_bytes(checkpoint.pack(fit.state, fit.fingerprint))
    return fit.state.step if resumed else None


def _train(
    folder: Path, source: Source, prepared: Prepared, options: RunOptions, reporter: Reporter
) -> tuple[Pretrained, float | None]:
    """Train for the remaining steps and save the model; return the model and the last loss in the log."""
    fit = prepared.fit
    alarms = Alarms(fit)
    loss, seconds = _take_steps(folder, fit, Health(fit, prepared.labels), alarms, options, reporter)
    with distributed.single_process():
        model = fit.finish(alarms.facts() | {"data_rank": data_rank(fit.encoder, fit.x, fit.spec.layout())})
    model.facts |= {
        "processes": distributed.world_size(),
        "command": options.command,
        "target": source.target,
        "features": [name for name in prepared.columns if name != source.target],
        "fingerprint": fit.fingerprint,
        "seconds": round(seconds, 3),
        "loss": loss,
    }
    model.save(folder)
    atomic_files.write(folder / "DONE", datetime.now(UTC).isoformat(timespec="seconds") + "\n")
    table_cache.remove_cache(folder)
    distributed.broadcast_object("written")
    return model, loss


def _take_steps(
    folder: Path, fit: Fit, health: Health, alarms: Alarms, options: RunOptions, reporter: Reporter
) -> tuple[float | None, float]:
    """Train for the remaining steps, write the log and the checkpoints, and report alarms.

    Return the last loss in the log (None if the log is empty), and the duration of the run in seconds, including the
    time before it was resumed.
    """
    start = fit.state.step
    every = max(1, fit.plan.steps // LOG_LINES)
    began = saved = time.monotonic()
    before = truncate_log(folder, start)
    loss: float | None = last_loss(folder)
    for line in read_log(folder):  # Alarms raised before the run was interrupted are not raised again.
        if "health" in line:
            alarms.update(Reading.from_line(line))
    with signals() as signalled, open_log(folder) as log:
        for step in reporter.steps(fit.recipe.name, fit.plan, start, fit.steps()):
            now = time.monotonic()
            with distributed.single_process():
                reading = health.read(step) if step.step in health.due else None
            if reading or step.step % every == 0 or step.step == fit.plan.steps:
                loss = float(step.loss)
                line = {"step": step.step, "epoch": step.epoch, "loss": loss, "rate": step.rate}
                line["seconds"] = round(before + now - began, 3)
                append_line(folder, log, line | (reading.line() if reading else {}))
            for alarm in alarms.update(reading) if reading else ():
                reporter.note(str(alarm))
            if number := distributed.all_reduce_max(max(signalled, default=0)):
                _save_checkpoint(folder, fit)
                distributed.broadcast_object("kept")
                raise Interrupted(number, folder)
            if now - saved >= options.checkpoint_seconds:
                _save_checkpoint(folder, fit)
                saved = time.monotonic()
        if fit.state.step > start:
            _save_checkpoint(folder, fit)
    return loss, before + time.monotonic() - began


def _save_checkpoint(folder: Path, fit: Fit) -> None:
    """Save a checkpoint to a run's folder.

    If a weight is not finite, raise RunError and save nothing, because training could not be resumed from it.
    """
    state = (tensor for _, tensor in checkpoint.unique_state(fit.state.objective))
    if not all(bool(tensor.isfinite().all()) for tensor in state):
        raise RunError(f"weights are not finite after step {fit.state.step}; lower train.lr or set train.clip_norm")
    checkpoint.save(folder / "checkpoint", fit.state, fit.fingerprint)
