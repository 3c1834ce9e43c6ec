"""Let several processes, on one machine or many, train one model together.

``torchrun`` starts the processes, and each one computes its share of every batch. Python values are exchanged through
torchrun's key-value store, without a time limit; tensors are exchanged through a process group. In a single process,
every function here returns its argument unchanged.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from inspect import signature
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous
from torch.nn.parallel import DistributedDataParallel

from contramix.errors import InputError, RunError
from contramix.runtime.randomness import Key

TIMEOUT = timedelta(minutes=10)
"""Longest time that a process waits for the others in a collective operation. The end of a process is noticed at
once."""
POLL_SECONDS = 0.05
"""Time between two polls of the key-value store while a process waits, in seconds."""
REQUIRED_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Environment variables that torchrun sets."""
T = TypeVar("T")


class Group(NamedTuple):
    """Describe the position of this process in the group of processes that train together.

    ``rank`` is the number of this process, ``world_size`` the number of processes in the group, and ``local_rank`` the
    number of this process among those on the same machine. Numbers start at 0.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0


class _Store:
    """Wrap the key-value store through which processes exchange values, and create the keys.

    A key consists of a name and a counter of the calls of `next_key`. All processes get equal keys, because they make
    the same calls in the same order.
    """

    def __init__(self, store: Any) -> None:
        self.store, self.calls = PrefixStore("contramix", store), 0

    def next_key(self, name: str) -> str:
        self.calls += 1
        return f"{name}/{self.calls}"

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Poll ``ready`` until it returns True. Raise RunError if another process has reported a failure.

        Python handles signals, such as Ctrl-C, between two polls.
        """
        while not ready():
            if self.store.check(["failed"]):
                raise RunError("another process of this run has failed")
            time.sleep(POLL_SECONDS)


_group = Group()
_store: _Store | None = None


def world_size() -> int:
    """Return the number of processes that train together; 1 for a single process."""
    return _group.world_size


def rank() -> int:
    """Return the number of this process, from 0. Process 0 writes the run's folder, and prints messages."""
    return _group.rank


def local_rank() -> int:
    """Return the number of this process among those on its machine, from 0. It is also the index of the GPU it uses."""
    return _group.local_rank


def init() -> None:
    """Join the group of processes that the environment variables of torchrun describe.

    Raises
    ------
    InputError
        If an environment variable of torchrun is missing or wrong.
    RunError
        If the other processes cannot be reached.
    """
    global _group, _store
    missing = [name for name in REQUIRED_VARIABLES if not os.environ.get(name)]
    if missing:
        raise InputError(
            f"WORLD_SIZE is set and {', '.join(missing)} not: start several processes with 'torchrun "
            "--nproc-per-node 2 -m contramix pretrain ...', or unset WORLD_SIZE to run one"
        )
    try:
        store, number, processes = next(rendezvous("env://", timeout=TIMEOUT))
        group, backend = PrefixStore("group", store), "gloo"
        if torch.cuda.is_available():
            backend = "cpu:gloo,cuda:nccl"
        dist.init_process_group(backend, store=group, rank=number, world_size=processes, timeout=TIMEOUT)
    except ValueError as error:
        raise InputError(
            f"the environment's {', '.join(REQUIRED_VARIABLES)} are not those of torchrun: {error}"
        ) from error
    except RuntimeError as error:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise RunError(f"the other processes of this run cannot be reached by way of {where}: {error}") from error
    _group, _store = Group(number, processes, int(os.environ.get("LOCAL_RANK", "0"))), _Store(store)


def shutdown() -> None:
    """Leave the group of processes. Process 0 may host the key-value store, and waits until all others have left."""
    global _group, _store
    if _store is not None:
        exchange, processes = _store, _group.world_size
        exchange.store.add("left", 1)
        if _group.rank == 0:
            exchange.wait_until(lambda: exchange.store.add("left", 0) >= processes)
    if dist.is_initialized():
        dist.destroy_process_group()
    _group, _store = Group(), None


@contextmanager
def single_process() -> Iterator[None]:
    """Set the rank to 0 and the world size to 1 within a ``with`` block, for work that only one process does.

    Tensors are then not exchanged with other processes. `barrier` and `broadcast_object` must not be called in the
    block.
    """
    global _group
    before, _group = _group, Group(local_rank=_group.local_rank)
    try:
        yield
    finally:
        _group = before


def per_rank(key: Key) -> Key:
    """Return a random key for this process, derived from a key that all processes share.

    If there is only one process, return the key unchanged.
    """
    return key if _group.world_size == 1 else key.at("rank", _group.rank)


def local_shard(rows: Int[Tensor, " B"]) -> Int[Tensor, " b"]:
    """Split the row numbers of a batch into one contiguous part per process, and return the part of this process."""
    return rows if _group.world_size == 1 else rows.tensor_split(_group.world_size)[_group.rank]


def wrap_ddp(module: nn.Module) -> nn.Module:
    """Wrap a module in DistributedDataParallel, which averages gradients over processes during the backward pass.

    If there is only one process, return the module unchanged.
    """
    if _group.world_size == 1:
        return module
    # Buffers are not sent at each step: statistics are shared or each process's own, and queues are equal anyway.
    known = signature(DistributedDataParallel).parameters
    name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"  # name in older torch
    options: dict[str, Any] = {name: False, "gradient_as_bucket_view": True}
    return DistributedDataParallel(module, **options)


def all_gather(x: Float[Tensor, " n *s"]) -> Float[Tensor, " N *s"]:
    """Concatenate the rows of a tensor of each process, in the order of ranks, and return them to all processes.

    Every process must give the same number of rows. In the backward pass, each process receives the gradient of its own
    rows, summed over the losses of all processes. Averaged over processes (:func:`wrap_ddp`), it is the gradient of the
    mean loss.
    """
    if _group.world_size == 1:
        return x
    out: Tensor = _AllGather.apply(x)  # type: ignore[no-untyped-call]
    return out


class _AllGather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.group = _group
        out = x.new_empty(_group.world_size * len(x), *x.shape[1:])
        dist.all_gather(list(out.chunk(_group.world_size)), x.contiguous())
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        total = grad.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        shard: Tensor = total.chunk(ctx.group.world_size)[ctx.group.rank]
        return shard


@torch.no_grad()
def all_reduce_mean(x: Tensor) -> Tensor:
    """Return the elementwise mean of the tensors that the processes pass, without gradient."""
    if _group.world_size == 1:
        return x
    total = x.clone()
    dist.all_reduce(total)
    return total / _group.world_size


def all_reduce_max(number: int) -> int:
    """Return the largest of the numbers that the processes pass; every process gets the same result."""
    if _group.world_size == 1:
        return number
    largest = torch.tensor(number)
    dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    return int(largest)


def barrier() -> None:
    """Wait until all processes have called this function, without a time limit.

    Raises
    ------
    RunError
        If a process has failed.
    """
    if _store is not None:
        exchange, key = _store, _store.next_key("met")
        exchange.store.add(key, 1)
        exchange.wait_until(lambda: exchange.store.add(key, 0) >= _group.world_size)


def broadcast_object(value: T) -> T:
    """Send a value from process 0 to all processes, and return it. They wait for process 0 without a time limit.

    Parameters
    ----------
    value
        Value that JSON can represent. The values that other processes pass are ignored.

    Raises
    ------
    RunError
        If a process has failed.
    """
    if _store is None:
        return value
    exchange, key = _store, _store.next_key("said")
    if _group.rank == 0:
        exchange.store.set(key, json.dumps(value))
        return value
    exchange.wait_until(lambda: bool(exchange.store.check([key])))
    received: T = json.loads(exchange.store.get(key))
    return received


def broadcast_bytes(data: bytes) -> bytes:
    """Send bytes from process 0 to all processes, and return them. Bytes that other processes pass are ignored."""
    if _group.world_size == 1:
        return data
    length = broadcast_object(len(data))
    sent = torch.frombuffer(bytearray(data), dtype=torch.uint8) if _group.rank == 0 else torch.empty(length).byte()
    dist.broadcast(sent, 0)
    return sent.numpy().tobytes()


def report_failure(code: int) -> int | None:
    """Tell the other processes that this process fails, so that they stop waiting.

    Parameters
    ----------
    code
        Exit code of this process.

    Returns
    -------
    int or None
        Exit code of the process that failed first. None if this process failed first, or if it is unknown which did.
    """
    if _store is None:
        return None
    report = f"{_group.rank}:{code}"
    try:
        first = _store.store.compare_set("failed", "", report).decode()
    except RuntimeError:  # The process that held the store has ended.
        return None
    return None if first == report else int(first.partition(":")[2])


def is_lost_process(error: Exception) -> bool:
    """Return whether an error raised by torch means that another process has ended or does not respond."""
    if _store is None or not isinstance(error, RuntimeError):
        return False
    return isinstance(error, dist.DistError) or "gloo" in str(error) or "Connection closed by peer" in str(error)
