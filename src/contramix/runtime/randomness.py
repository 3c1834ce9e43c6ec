"""Keyed randomness: what is drawn at a place of a run is a function of that place, never of what was drawn before.

An epoch's order comes from ``Key(seed).at("order", epoch)``, a step's noise from ``Key(seed).at("step", step, ...)``,
and each of several processes draws below its own key (:func:`contramix.runtime.distributed.own`). A resumed run
therefore equals an uninterrupted one, and a checkpoint holds one integer of randomness.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b

import torch


@dataclass(frozen=True)
class Key:
    """A place in a run, from which generators are made.

    Examples
    --------
    >>> key = Key(0).at("step", 7)
    >>> float(torch.rand((), generator=key.generator())) == float(torch.rand((), generator=key.generator()))
    True
    """

    path: tuple[int | str, ...]

    def __init__(self, *path: int | str) -> None:
        object.__setattr__(self, "path", path)

    def at(self, *names: int | str) -> "Key":
        """A place below this one."""
        return Key(*self.path, *names)

    @property
    def seed(self) -> int:
        """A number in [0, 2**63) that stands for this place."""
        return int.from_bytes(blake2b(repr(self.path).encode(), digest_size=8).digest(), "big") >> 1

    def generator(self, device: torch.device | str = "cpu") -> torch.Generator:
        """A new generator on a device, always in the same state for the same key."""
        return torch.Generator(device).manual_seed(self.seed)


@contextmanager
def seeded(key: Key, device: torch.device | str = "cpu") -> Iterator[None]:
    """Torch's own generators, of the CPU and one device, in a state that is a function of a key; then as they were.

    For what draws from them alone: the first weights of modules, and dropout.
    """
    place = torch.device(device)
    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.default_generator.manual_seed(key.seed)
        if place.type == "cuda":
            with torch.cuda.device(place):
                torch.cuda.manual_seed(key.seed)
        yield
