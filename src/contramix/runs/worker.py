"""Run the processes of a distributed run other than process 0. They train, but do not write to the run's folder."""

from pathlib import Path
from typing import Any

from contramix.errors import InputError
from contramix.recipe import Recipe
from contramix.runs.source import MemorySource, Source
from contramix.runtime import distributed
from contramix.runtime.signals import Interrupted, signals
from contramix.training import checkpoint


def run_worker(folder: Path, source: Source, recipe: Recipe, *, seed: int = 0, device: str = "auto") -> None:
    """Train together with process 0 of a distributed run, as one of the other processes.

    Process 0 calls :func:`contramix.runs.pretrain.pretrain_into` with the same arguments.

    Parameters
    ----------
    folder
        Folder of the run. Only the cache of a large table is read from it.
    source, recipe, seed, device
        Training records, recipe, seed of all random draws, and name of the device. They must be the same as in
        process 0.

    Raises
    ------
    InputError
        If the data differ from those of process 0.
    RunError
        If the run diverges, or another process fails.
    Interrupted
        If any process receives SIGINT or SIGTERM, after process 0 has saved a checkpoint.
    """
    early = source.prepare(folder, recipe, seed, device) if isinstance(source, MemorySource) else None
    run: dict[str, Any] = distributed.broadcast_object({})
    if run["finished"]:
        return
    fit = (early or source.prepare(folder, recipe, seed, device)).fit
    if run["fingerprint"] != fit.fingerprint:
        raise InputError(
            f"process {distributed.rank()} was given other data than the first one; each must find the same file under "
            "DATA"
        )
    if run["resumed"]:
        received = distributed.broadcast_bytes(b"")
        checkpoint.unpack(received, fit.state, run["fingerprint"], folder / "checkpoint")
    with signals() as signalled:
        for _ in fit.steps():
            if number := distributed.all_reduce_max(max(signalled, default=0)):
                distributed.broadcast_object("")  # wait until the first process has saved a checkpoint
                raise Interrupted(number, folder)
    distributed.broadcast_object("")  # wait until the first process has saved the model
