"""Check the three theorems of the DACL paper numerically, one per module."""

from collections.abc import Callable, Iterator

from contramix.reproduction.theory import complexity, identity, regularizers
from contramix.reproduction.theory.check import Check as Check

THEOREMS: dict[str, Callable[[int], Iterator[Check]]] = {
    "Theorem 1, contrast and classification": identity.checks,
    "Theorem 2, what noise adds to the loss": regularizers.checks,
    "Theorem 3, complexity": complexity.checks,
}
"""Functions that yield the checks of a theorem for a number of seeds, by the title of the theorem."""


def verify(seeds: int, on_progress: Callable[[str], None] = lambda _: None) -> list[Check]:
    """Check the three theorems of the DACL paper numerically, and return the results of all checks.

    Parameters
    ----------
    seeds
        Number of random data sets and networks for each check.
    on_progress
        Function that receives a message such as "checking Theorem 3, complexity ..." before each theorem.
    """
    found: list[Check] = []
    for name, checks in THEOREMS.items():
        on_progress(f"checking {name} ...")
        found += checks(seeds)
    return found
