"""Shards of representations on a cluster: Ray Data hands them out to actors, each of which loads the model once."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from contramix.embedding.shards import Shard, Sharded
from contramix.errors import InputError, RunError
from contramix.io.options import ReadOptions
from contramix.models.pretrained import Pretrained

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
"""Nothing is sent home, and what is said is said by us."""


def write_with_ray(
    sharded: Sharded,
    shards: Sequence[Shard],
    run: Path,
    options: ReadOptions,
    device: str,
    told: Callable[[int], None] = lambda rows: None,
) -> None:
    """Make these shards on the cluster that Ray finds (``RAY_ADDRESS``), or on this machine.

    All nodes must see the run, the data and the folder of the result under the same paths.

    Raises
    ------
    InputError
        If Ray is not installed, or a shard cannot be made because of the data.
    RunError
        If the cluster cannot go on; shards that are there stay.
    """
    try:
        ray, data = import_module("ray"), import_module("ray.data")
    except ImportError:
        raise InputError("`engine='ray'` needs ray[data]: pip install 'contramix[ray]'") from None
    started, logged = not ray.is_initialized(), logging.root.manager.disable
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    logging.disable(logging.WARNING)
    try:
        if started:
            ray.init(log_to_driver=False)
        data.DataContext.get_current().enable_progress_bars = False
        # As many threads each as here: other numbers of threads round otherwise.
        threads, gpus = torch.get_num_threads(), int(device.startswith("cuda"))
        there = ray.cluster_resources()
        most = there.get("GPU", 0) if gpus else there.get("CPU", 0) // threads
        paths = (os.path.abspath(path) for path in (run, sharded.path, sharded.folder))
        done = data.from_items([shard._asdict() for shard in shards], override_num_blocks=len(shards)).map_batches(
            _Worker,
            fn_constructor_args=(*paths, replace(options, progress=None), sharded.keep, device, threads),
            batch_size=1,
            compute=data.ActorPoolStrategy(min_size=1, max_size=max(1, min(len(shards), int(most)))),
            num_cpus=min(threads, int(there.get("CPU", threads))),
            num_gpus=gpus,
        )
        for row in done.iter_rows():
            if row["error"]:
                raise InputError(row["error"])
            told(int(row["rows"]))
    except ray.exceptions.RayError as error:
        raise RunError(f"`engine='ray'`: {str(error).strip().splitlines()[-1]}") from error
    finally:
        logging.disable(logged)
        if started:
            ray.shutdown()


class _Worker:
    """A process of the cluster, which makes one shard after the other."""

    def __init__(
        self, run: str, path: str, folder: str, options: ReadOptions, keep: list[str], device: str, threads: int
    ) -> None:
        torch.set_num_threads(threads)
        model = Pretrained.load(run, device)
        self._sharded = Sharded(Path(folder), model, Path(path), model.read_chunks(path, options), keep)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        shards = [Shard(str(n), int(a), int(b)) for n, a, b in zip(*(batch[key] for key in Shard._fields), strict=True)]
        error = ""
        try:
            self._sharded.write(shards)
        except (InputError, RunError) as why:  # as text: what Ray makes of an exception is long
            error = str(why)
        return {"rows": [shard.rows for shard in shards], "error": [error] * len(shards)}
