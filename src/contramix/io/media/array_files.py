"""Read records and labels from npy and npz files, and recognize them by array names such as ``x_train``."""

import os
import zipfile
import zlib
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from contramix.errors import InputError, first_line, printable
from contramix.io.media.archives import check_expansion
from contramix.io.media.path_labels import SPLIT_NAMES
from contramix.io.records import LABEL

ENDINGS = (".npz", ".npy")
"""Lower-case extensions of numpy's array files."""
_LABELS = {"labels", "label", "y", "targets", "target"}
_NAMES = {"classes", "class_names", "label_names"}
_BROKEN = (OSError, EOFError, ValueError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error, NotImplementedError)


class LabeledArray(NamedTuple):
    """Collect the records of one official split (such as the test split) and their labels, as read from a file.

    Parameters
    ----------
    content : ndarray
        The records, one per row.
    labels : dict
        The key ``"label"`` with an array of one label per record. Empty if there are no labels.
    split : str or None
        ``train``, ``valid`` or ``test``, or None if the data have no official splits.
    source : str
        Name of the file for messages, safe to print.
    """

    content: np.ndarray
    labels: dict[str, Any]
    split: str | None
    source: str


def read_arrays(
    path: str | os.PathLike[str], content_names: Collection[str], what: str
) -> tuple[list[LabeledArray], tuple[str, ...]]:
    """Read the records and labels of an npy or npz file, one `LabeledArray` per official split.

    Arrays are recognized by their names: ``labels`` or ``y`` are labels, ``classes`` holds class names, and ``train``,
    ``test`` or ``val`` in a name is the split. A single array holds records, whatever its name.

    Parameters
    ----------
    path
        The file.
    content_names
        Names by which arrays of records are recognized, such as ``images`` and ``x``. The first is suggested in errors.
    what
        What the records are, for error messages, such as ``images``.

    Returns
    -------
    list of LabeledArray
        The records and labels of each official split, or a single item if the file has no splits.
    tuple of str
        One-line notes for the user on arrays that were left out.

    Raises
    ------
    InputError
        If the file is damaged, holds Python objects, or has no array of records.
    """
    source = printable(path)
    try:
        arrays = _loaded(os.fsdecode(path), source)
    except InputError:
        raise
    except _BROKEN as error:
        message = first_line(error, 120)
        if "pickle" in message or "Object arrays" in message:
            raise InputError(
                f"{source}: holds Python objects, which are never unpickled: save numbers or text"
            ) from None
        raise InputError(f"{source}: truncated or damaged ({message}): write or copy the file again") from None
    content: dict[str | None, np.ndarray] = {}
    labels: dict[str | None, np.ndarray] = {}
    ignored = []
    for key, array in arrays.items():
        part, kind = parse_array_name(key, content_names)
        if kind == "content" or len(arrays) == 1:
            content[part] = array
        elif kind == "labels":
            labels[part] = array
        elif kind != "names":
            ignored.append(printable(key, 60))
    if not content:
        shown = ", ".join(printable(key, 40) for key in list(arrays)[:8])
        best = next(iter(content_names))
        raise InputError(
            f"{source}: no array of {what}: name one '{best}', or 'x_train' and 'x_test' (there are: {shown})"
        )
    if None in content and len(content) > 1:
        ignored += [str(part) for part in content if part is not None]
        content = {None: content[None]}
    names = next((array for key, array in arrays.items() if parse_array_name(key, content_names)[1] == "names"), None)
    notes: tuple[str, ...] = (f"{source}: left out the arrays {', '.join(ignored[:10])}",) if ignored else ()
    several = []
    for part, array in content.items():
        column, note = _labels(labels.get(part), names, source)
        notes += note
        several.append(LabeledArray(array, column, part, source))
    return several, notes


def _loaded(path: str, source: str) -> dict[str, np.ndarray]:
    with open(path, "rb") as file:
        if file.read(2) == b"PK":
            with zipfile.ZipFile(file) as archive:
                sizes = [info.file_size for info in archive.infolist()]
            check_expansion(path, len(sizes), sum(sizes), os.path.getsize(path))
        file.seek(0)
        loaded: Any = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"x": loaded}
        with loaded:
            return {key: loaded[key] for key in loaded.files}


def parse_array_name(key: str, content_names: Collection[str]) -> tuple[str | None, str | None]:
    """Return the official split and the kind of an array in an npz file, such as ("train", "labels") for ``y_train``.

    Parameters
    ----------
    key
        Name of the array.
    content_names
        Names by which arrays of records are recognized, such as ``images`` and ``x``.

    Returns
    -------
    str or None
        The split: ``train``, ``valid``, ``test``, or None if the name mentions no split.
    str or None
        The kind: ``content`` (records), ``labels``, ``names`` (class names), or None if the name is not recognized.
    """
    lower = key.lower()
    if lower in _NAMES:
        return None, "names"
    words = lower.replace("-", "_").split("_")
    part = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)
    rest = [word for word in words if word not in SPLIT_NAMES]
    if len(rest) != 1:
        return part, None
    return part, "content" if rest[0] in content_names else "labels" if rest[0] in _LABELS else None


def _labels(
    labels: np.ndarray | None, names: np.ndarray | None, source: str
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """Return the labels of the records by column name, and notes for the user on labels that were left out.

    The dictionary has the single key ``"label"``; it is empty if ``labels`` is None or has several columns. Integer
    labels are replaced with the class names in ``names``, if given. ``source`` is the name of the file in notes.
    """
    if labels is None:
        return {}, ()
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        return {}, (f"{source}: left out the labels, which are {labels.ndim}-D: give one a record",)
    if labels.dtype.kind == "f" and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    integers = labels.dtype.kind in "iu"
    if names is not None and integers and len(labels) and labels.min() >= 0 and labels.max() < len(names):
        labels = names[labels]
    return {LABEL: labels}, ()
