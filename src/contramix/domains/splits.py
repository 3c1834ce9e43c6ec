"""Order the official splits of a data set."""

from collections.abc import Iterable

ORDER = ("train", "valid", "test")
"""Names of official splits, in the order of records."""


def ordered_splits(names: Iterable[str | None]) -> tuple[str, ...]:
    """Return the different names of splits, in order; None stands for a record without a split."""
    found = set(names)
    return tuple(name for name in ORDER if name in found)
