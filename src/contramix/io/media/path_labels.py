"""Parts and class labels that stand in the folders of files' names."""

from collections.abc import Sequence
from typing import NamedTuple

SPLIT_NAMES = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "val": "valid", "valid": "valid", "validation": "valid",
}  # fmt: skip


class PathLabels(NamedTuple):
    """What names say, one entry a file; None where they say nothing."""

    splits: list[str] | None
    """``train``, ``valid`` or ``test``."""
    labels: list[str] | None


def infer_splits_and_labels(names: Sequence[str]) -> PathLabels:
    """Read parts and labels from names such as ``train/cat/001.jpg``.

    Folders that all files share are ignored. If the folders that come next are all called like parts, and there is a
    training part, they are the parts. If then each file lies in exactly one folder, and there are at least two, the
    folder is its label. A flat or ragged folder has no labels.

    Parameters
    ----------
    names : sequence of str
        Relative to what was read, with ``/``.

    Examples
    --------
    >>> infer_splits_and_labels(["x/train/cat/1.png", "x/train/dog/2.png", "x/test/cat/3.png"])
    PathLabels(splits=['train', 'train', 'test'], labels=['cat', 'dog', 'cat'])
    >>> infer_splits_and_labels(["cat/1.png", "2.png"])
    PathLabels(splits=None, labels=None)
    """
    folders = _without_common([tuple(name.split("/")[:-1]) for name in names])
    parts = None
    first = [SPLIT_NAMES.get(folder[0].lower()) if folder else None for folder in folders]
    if "train" in first and len(set(first)) > 1:
        known = [part for part in first if part is not None]
        if len(known) == len(first):
            parts = known
            folders = _without_common([folder[1:] for folder in folders])
    one_each = all(len(folder) == 1 for folder in folders) and len(set(folders)) > 1
    return PathLabels(parts, [folder[0] for folder in folders] if one_each else None)


def _without_common(folders: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Folders without those that all files lie in."""
    if not folders:
        return folders
    low, high = min(folders), max(folders)  # what the first and the last in order share, all share
    shared = 0
    while shared < len(low) and shared < len(high) and low[shared] == high[shared]:
        shared += 1
    return [folder[shared:] for folder in folders]
