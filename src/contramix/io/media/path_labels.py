"""Infer the official splits and the class labels of files from the names of their folders."""

from collections.abc import Sequence
from typing import NamedTuple

SPLIT_NAMES = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "val": "valid", "valid": "valid", "validation": "valid",
}  # fmt: skip
"""Official split by each of its usual names, in lower case."""


class PathLabels(NamedTuple):
    """Collect the official split and the class label of each file, as inferred from folder names.

    Parameters
    ----------
    splits
        ``train``, ``valid`` or ``test`` for each file, or None if the folders are not splits.
    labels
        The class name of each file, or None if the folders are not classes.
    """

    splits: list[str] | None
    labels: list[str] | None


def infer_splits_and_labels(names: Sequence[str]) -> PathLabels:
    """Infer the official splits and class labels of files from paths such as ``train/cat/001.jpg``.

    Leading folders that all files share are ignored. If the next folders are all named like splits (``train``,
    ``test``, ``val`` ...), and there are at least two splits including ``train``, they are the splits. If each file is
    then in exactly one further folder, and there are at least two such folders, this folder is its label.

    Parameters
    ----------
    names : sequence of str
        Relative paths of all files, with ``/`` between folders.

    Examples
    --------
    >>> infer_splits_and_labels(["x/train/cat/1.png", "x/train/dog/2.png", "x/test/cat/3.png"])
    PathLabels(splits=['train', 'train', 'test'], labels=['cat', 'dog', 'cat'])
    >>> infer_splits_and_labels(["cat/1.png", "2.png"])
    PathLabels(splits=None, labels=None)
    """
    folders = _strip_shared_folders([tuple(name.split("/")[:-1]) for name in names])
    parts = None
    first = [SPLIT_NAMES.get(folder[0].lower()) if folder else None for folder in folders]
    if "train" in first and len(set(first)) > 1:
        known = [part for part in first if part is not None]
        if len(known) == len(first):
            parts = known
            folders = _strip_shared_folders([folder[1:] for folder in folders])
    one_each = all(len(folder) == 1 for folder in folders) and len(set(folders)) > 1
    return PathLabels(parts, [folder[0] for folder in folders] if one_each else None)


def _strip_shared_folders(folders: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Remove the leading folders that all files share from the tuple of folder names of each file."""
    if not folders:
        return folders
    low, high = min(folders), max(folders)  # a prefix of the first and the last in sorted order is a prefix of all
    shared = 0
    while shared < len(low) and shared < len(high) and low[shared] == high[shared]:
        shared += 1
    return [folder[shared:] for folder in folders]
