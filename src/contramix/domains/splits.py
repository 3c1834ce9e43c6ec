"""Sort the names of official splits: training, validation, test."""

from collections.abc import Iterable

ORDER = ("train", "valid", "test")
"""Names of official splits, in the order in which readers return their records."""


def ordered_splits(names: Iterable[str | None]) -> tuple[str, ...]:
    """Return the distinct split names in the order ``train``, ``valid``, ``test``.

    Parameters
    ----------
    names
        The split of each record; None for a record without a split, which is ignored.
    """
    found = set(names)
    return tuple(name for name in ORDER if name in found)
