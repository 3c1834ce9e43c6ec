"""What all processes of a run but the first do: take each step with it. They neither read nor write the folder."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from contramix.domains.table.unread import UnreadTable
from contramix.errors import InputError
from contramix.models.pretraining import Fit, learn_spec
from contramix.recipe import Recipe
from contramix.runs.table_cache import find_cache
from contramix.runtime import distributed
from contramix.runtime.signals import Interrupted, signals
from contramix.training import checkpoint


def follow(
    folder: Path,
    table: pa.Table | UnreadTable,
    recipe: Recipe,
    *,
    target: str | None = None,
    also: pa.Table | None = None,
    seed: int = 0,
    device: str = "auto",
) -> None:
    """Train with the first process, which calls :func:`contramix.runs.pretrain.pretrain_into` with the same arguments.

    Raises
    ------
    InputError
        If the data are not those of the first process.
    RunError
        If the run diverges, or another process fails.
    Interrupted
        When the first process has kept a checkpoint, on a signal to any of them.
    """
    if not isinstance(table, UnreadTable):
        spec, _ = learn_spec(table, recipe, target, also)
        fit = Fit.begin(recipe, spec, spec.tensorize(table), seed, device)
        distributed.meet()
    run: dict[str, Any] = distributed.from_first({})
    if run["finished"]:
        return
    if isinstance(table, UnreadTable):
        cached = find_cache(folder)
        fit = Fit.begin(recipe, cached.spec, cached.x, seed, device)
    if run["fingerprint"] != fit.fingerprint:
        raise InputError(
            f"process {distributed.rank()} was given other data than the first one; each must find the same file under "
            "DATA"
        )
    if run["resumed"]:
        sent = distributed.bytes_from_first(b"")
        checkpoint.unpack(sent, fit.state, run["fingerprint"], folder / "checkpoint")
    with signals() as signalled:
        for _ in fit.steps():
            if number := distributed.agreed(max(signalled, default=0)):
                distributed.from_first("")  # it has kept a checkpoint
                raise Interrupted(number, folder)
    distributed.from_first("")  # it has written the model
