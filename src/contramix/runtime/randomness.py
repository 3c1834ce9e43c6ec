"""Derive random generators from keys. A draw depends on its place in a run, never on earlier draws.

For example, the order of an epoch is drawn from ``Key(seed).at("order", epoch)``, and the noise of a step from
``Key(seed).at("step", step, ...)``. If several processes train together, each one has its own keys
(:func:`contramix.runtime.distributed.per_rank`). Therefore a resumed run equals an uninterrupted one, and checkpoints
need no states of random generators.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b

import torch


@dataclass(frozen=True)
class Key:
    """Identify one random draw of a run by a path of names and numbers, and create seeded generators for it.

    The draw of a key does not depend on earlier draws: equal keys always give equal random numbers.

    Parameters
    ----------
    *path
        Names and numbers. The first one is usually the run's seed.

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
        """Return a key whose path is this key's path followed by the given names and numbers."""
        return Key(*self.path, *names)

    @property
    def seed(self) -> int:
        """Return an integer in [0, 2**63) that is a hash of the key's path."""
        return int.from_bytes(blake2b(repr(self.path).encode(), digest_size=8).digest(), "big") >> 1

    def generator(self, device: torch.device | str = "cpu") -> torch.Generator:
        """Create a random generator on a device, seeded by the key. Equal keys give generators in equal states."""
        return torch.Generator(device).manual_seed(self.seed)


@contextmanager
def seeded(key: Key, device: torch.device | str = "cpu") -> Iterator[None]:
    """Seed torch's global generators of the CPU and of ``device`` with a key, within a ``with`` block.

    The states of these generators are restored afterwards. This is meant for code to which no generator can be passed,
    such as dropout and the initialization of modules.
    """
    device = torch.device(device)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(key.seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(key.seed)
        yield
