"""Write shards (part files of a result) on a Ray cluster. Ray Data distributes them to actors.

Each actor loads the model once.
"""

import logging
import os
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from contramix.embedding.shards import Shard, ShardedOutput
from contramix.errors import InputError, RunError
from contramix.io.options import ReadOptions
from contramix.models.pretrained import Pretrained

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
"""Environment variables that turn off Ray's usage statistics and its own messages."""


def write_with_ray(
    sharded: ShardedOutput,
    shards: Sequence[Shard],
    run: Path,
    options: ReadOptions,
    device: str,
    on_progress: Callable[[int], None] = lambda rows: None,
) -> None:
    """Write shards on the Ray cluster at ``RAY_ADDRESS``, or with a local Ray if there is no cluster.

    All nodes must find the model, the data and the folder of the result under the same paths.

    Parameters
    ----------
    sharded
        Result that the shards belong to: its output folder, the data, and the columns to copy.
    shards
        Shards to write.
    run
        Folder of the model.
    options
        How to read the data.
    device
        Name of the device to use on each node.
    on_progress
        Function that is called whenever a shard is complete, with its number of rows.

    Raises
    ------
    InputError
        If Ray is not installed, or an actor cannot compute or write a shard. Complete shards stay in the folder.
    RunError
        If the cluster fails. Complete shards stay in the folder.
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
        # Each actor uses as many threads as this process, because results are rounded differently with other numbers.
        threads, gpus = torch.get_num_threads(), int(device.startswith("cuda"))
        resources = ray.cluster_resources()
        max_actors = resources.get("GPU", 0) if gpus else resources.get("CPU", 0) // threads
        paths = (os.path.abspath(path) for path in (run, sharded.path, sharded.folder))
        done = data.from_items([shard._asdict() for shard in shards], override_num_blocks=len(shards)).map_batches(
            _Worker,
            fn_constructor_args=(*paths, options.without_callbacks(), sharded.keep, device, threads),
            batch_size=1,
            compute=data.ActorPoolStrategy(min_size=1, max_size=max(1, min(len(shards), int(max_actors)))),
            num_cpus=min(threads, int(resources.get("CPU", threads))),
            num_gpus=gpus,
        )
        for row in done.iter_rows():
            if row["error"]:
                raise InputError(row["error"])
            on_progress(int(row["rows"]))
    except ray.exceptions.RayError as error:
        raise RunError(f"`engine='ray'`: {str(error).strip().splitlines()[-1]}") from error
    finally:
        logging.disable(logged)
        if started:
            ray.shutdown()


class _Worker:
    """Load a model once in a Ray actor, and write the shards that Ray Data passes to it.

    Parameters
    ----------
    run
        Folder of the model.
    path
        File or folder of the data.
    folder
        Folder to write the shards to.
    options
        How to read the data.
    keep
        Names of the columns to copy from the data.
    device
        Name of the torch device.
    threads
        Number of CPU threads of torch.
    """

    def __init__(
        self, run: str, path: str, folder: str, options: ReadOptions, keep: list[str], device: str, threads: int
    ) -> None:
        torch.set_num_threads(threads)
        model = Pretrained.load(run, device)
        self._sharded = ShardedOutput(Path(folder), model, Path(path), model.read_chunks(path, options), keep)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        shards = [Shard(str(n), int(a), int(b)) for n, a, b in zip(*(batch[key] for key in Shard._fields), strict=True)]
        error = ""
        try:
            self._sharded.write(shards)
        except (InputError, RunError) as why:  # Ray's own report of an exception is long.
            error = str(why)
        return {"rows": [shard.rows for shard in shards], "error": [error] * len(shards)}
