"""Check DACL's theorems numerically. Each module checks one theorem with a generator ``checks(seeds)``."""

from collections.abc import Callable, Iterator

from contramix.reproduction.theory import complexity, identity, regularizers
from contramix.reproduction.theory.check import Check as Check

THEOREMS: dict[str, Callable[[int], Iterator[Check]]] = {
    "Theorem 1, contrast and classification": identity.checks,
    "Theorem 2, what noise adds to the loss": regularizers.checks,
    "Theorem 3, complexity": complexity.checks,
}
"""Generators of checks, by the title of their theorem."""


def verify(seeds: int, on_progress: Callable[[str], None] = lambda _: None) -> list[Check]:
    """Check every theorem and return the results.

    Parameters
    ----------
    seeds
        Number of random data sets and networks for each setting.
    on_progress
        Function that receives a message with the name of the theorem that is checked next.
    """
    found: list[Check] = []
    for name, checks in THEOREMS.items():
        on_progress(f"checking {name} ...")
        found += checks(seeds)
    return found
