"""DACL's theorems as checks that run: each file one theorem, and a generator ``checks(seeds)`` in it."""

from collections.abc import Callable, Iterator

from contramix.reproduction.theory import complexity, identity, regularisers
from contramix.reproduction.theory.check import Check as Check

THEOREMS: dict[str, Callable[[int], Iterator[Check]]] = {
    "Theorem 1, contrast and classification": identity.checks,
    "Theorem 2, what noise adds to the loss": regularisers.checks,
    "Theorem 3, complexity": complexity.checks,
}


def verify(seeds: int, on_progress: Callable[[str], None] = lambda _: None) -> list[Check]:
    """Check every theorem.

    Parameters
    ----------
    seeds
        Data sets and networks a setting.
    on_progress
        Function that receives the name of the theorem that is checked next.
    """
    found: list[Check] = []
    for name, checks in THEOREMS.items():
        on_progress(f"checking {name} ...")
        found += checks(seeds)
    return found
