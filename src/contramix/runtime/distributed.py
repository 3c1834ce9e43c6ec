"""Several processes, on one machine or many, as one run: which of them this is, and what they tell each other.

``torchrun`` starts them, and each takes its share of every batch. What is said in words goes over torchrun's store,
with patience; tensors go over a process group. Alone, everything here gives back what it was given.
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

PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others inside training; of one that ended it hears at once."""
POLL_SECONDS = 0.05
NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
Fact = TypeVar("Fact")


class Place(NamedTuple):
    """Which of how many processes this is."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    """Among those of its machine."""


class _Board:
    """Where processes leave words for each other: each call of all of them has its number."""

    def __init__(self, store: Any) -> None:
        self.store, self.calls = PrefixStore("contramix", store), 0

    def next(self, name: str) -> str:
        self.calls += 1
        return f"{name}/{self.calls}"

    def wait(self, ready: Callable[[], bool]) -> None:
        """Ask now and then, so that signals get through, until it is so or some process has failed."""
        while not ready():
            if self.store.check(["failed"]):
                raise RunError("another process of this run has failed")
            time.sleep(POLL_SECONDS)


_place = Place()
_board: _Board | None = None


def size() -> int:
    """How many processes train together."""
    return _place.size


def rank() -> int:
    """The number of this process, from 0: the first one reads and writes the run's folder, and speaks."""
    return _place.rank


def local_rank() -> int:
    """Its number among those of its machine: the GPU that it takes."""
    return _place.local_rank


def join() -> None:
    """Enter the group of processes that the environment names, if it names several.

    Raises
    ------
    InputError
        If the environment is not as torchrun makes it.
    RunError
        If the others cannot be reached.
    """
    global _place, _board
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        raise InputError(
            f"WORLD_SIZE is set and {', '.join(missing)} not: start several processes with 'torchrun "
            "--nproc-per-node 2 -m contramix pretrain ...', or unset WORLD_SIZE to run one"
        )
    try:
        store, number, several = next(rendezvous("env://", timeout=PATIENCE))
        group, backend = PrefixStore("group", store), "gloo"
        if torch.cuda.is_available():
            backend = "cpu:gloo,cuda:nccl"
        dist.init_process_group(backend, store=group, rank=number, world_size=several, timeout=PATIENCE)
    except ValueError as error:
        raise InputError(f"the environment's {', '.join(NEEDED)} are not those of torchrun: {error}") from error
    except RuntimeError as error:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise RunError(f"the other processes of this run cannot be reached by way of {where}: {error}") from error
    _place, _board = Place(number, several, int(os.environ.get("LOCAL_RANK", "0"))), _Board(store)


def leave() -> None:
    """Leave the group; from then on this process is alone. The first one, which may keep the board, leaves last."""
    global _place, _board
    if _board is not None:
        board, several = _board, _place.size
        board.store.add("left", 1)
        if _place.rank == 0:
            board.wait(lambda: board.store.add("left", 0) >= several)
    if dist.is_initialized():
        dist.destroy_process_group()
    _place, _board = Place(), None


@contextmanager
def alone() -> Iterator[None]:
    """As if there were no others, for what one process does while they wait."""
    global _place
    before, _place = _place, Place(local_rank=_place.local_rank)
    try:
        yield
    finally:
        _place = before


def own(key: Key) -> Key:
    """The place of this process below a place that all have in common."""
    return key if _place.size == 1 else key.at("rank", _place.rank)


def mine(rows: Int[Tensor, " B"]) -> Int[Tensor, " b"]:
    """This process's share of a batch."""
    return rows if _place.size == 1 else rows.tensor_split(_place.size)[_place.rank]


def together(module: nn.Module) -> nn.Module:
    """The module, the gradients of its parameters averaged over processes while they are computed."""
    if _place.size == 1:
        return module
    # Buffers are not sent at each step: statistics are shared or each process's own, and queues are equal anyway.
    known = signature(DistributedDataParallel).parameters
    name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"  # as of old in torch
    options: dict[str, Any] = {name: False, "gradient_as_bucket_view": True}
    return DistributedDataParallel(module, **options)


def gathered(x: Float[Tensor, " n *s"]) -> Float[Tensor, " N *s"]:
    """What all processes have, in their order; each must give as many rows. The gradient finds its way back.

    A row's gradient is the sum of what it is in the losses of all processes, so that their mean, as ``together`` forms
    it, is the gradient of their mean loss.
    """
    if _place.size == 1:
        return x
    out: Tensor = _Gather.apply(x)  # type: ignore[no-untyped-call]
    return out


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.place = _place
        out = x.new_empty(_place.size * len(x), *x.shape[1:])
        dist.all_gather(list(out.chunk(_place.size)), x.contiguous())
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        total = grad.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        share: Tensor = total.chunk(ctx.place.size)[ctx.place.rank]
        return share


@torch.no_grad()
def mean(x: Tensor) -> Tensor:
    """The mean over processes, without gradient."""
    if _place.size == 1:
        return x
    total = x.clone()
    dist.all_reduce(total)
    return total / _place.size


def agreed(number: int) -> int:
    """The largest number that a process has."""
    if _place.size == 1:
        return number
    largest = torch.tensor(number)
    dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    return int(largest)


def meet() -> None:
    """Wait until all processes are here, however long it takes.

    Raises
    ------
    RunError
        If one of them has failed.
    """
    if _board is not None:
        board, name = _board, _board.next("met")
        board.store.add(name, 1)
        board.wait(lambda: board.store.add(name, 0) >= _place.size)


def from_first(fact: Fact) -> Fact:
    """What the first process says, plain values; the others wait for it, however long it takes.

    Raises
    ------
    RunError
        If a process has failed.
    """
    if _board is None:
        return fact
    board, name = _board, _board.next("said")
    if _place.rank == 0:
        board.store.set(name, json.dumps(fact))
        return fact
    board.wait(lambda: bool(board.store.check([name])))
    said: Fact = json.loads(board.store.get(name))
    return said


def bytes_from_first(data: bytes) -> bytes:
    """The bytes that the first process has."""
    if _place.size == 1:
        return data
    length = from_first(len(data))
    sent = torch.frombuffer(bytearray(data), dtype=torch.uint8) if _place.rank == 0 else torch.empty(length).byte()
    dist.broadcast(sent, 0)
    return sent.numpy().tobytes()


def fail(code: int) -> int | None:
    """Say that this process fails with an exit code; gives that of the one that failed before it, None if none did."""
    if _board is None:
        return None
    said = f"{_place.rank}:{code}"
    try:
        stands = _board.store.compare_set("failed", "", said).decode()
    except RuntimeError:  # whoever kept the board is gone
        return None
    return None if stands == said else int(stands.partition(":")[2])


def is_lost(error: Exception) -> bool:
    """Whether an error says that another process ended or does not answer."""
    if _board is None or not isinstance(error, RuntimeError):
        return False
    return isinstance(error, dist.DistError) or "gloo" in str(error) or "Connection closed by peer" in str(error)
