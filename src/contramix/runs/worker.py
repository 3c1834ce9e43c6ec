"""Take part in a run as any process but the first: train with it, without reading or writing the run's folder."""

from pathlib import Path
from typing import Any

from contramix.errors import InputError
from contramix.recipe import Recipe
from contramix.runs.source import MemorySource, Source
from contramix.runtime import distributed
from contramix.runtime.signals import Interrupted, signals
from contramix.training import checkpoint


def follow(folder: Path, source: Source, recipe: Recipe, *, seed: int = 0, device: str = "auto") -> None:
    """Train with the first process, which calls :func:`contramix.runs.pretrain.pretrain_into` with the same arguments.

    Parameters
    ----------
    folder
        Folder of the run. Only a cache of a large table is read from it.
    source, recipe, seed, device
        As in the first process.

    Raises
    ------
    InputError
        If the data are not those of the first process.
    RunError
        If the run diverges, or another process fails.
    Interrupted
        On a signal to any process, after the first one has saved a checkpoint.
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
