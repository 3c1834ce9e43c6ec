"""Read records and labels from npy and npz files, by array names such as ``x_train`` and ``y_test``."""

import os
import zipfile
import zlib
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from contramix.errors import InputError, printable
from contramix.io.media.archives import check_expansion
from contramix.io.media.path_labels import SPLIT_NAMES
from contramix.io.records import LABEL

ENDINGS = (".npz", ".npy")
_LABELS = {"labels", "label", "y", "targets", "target"}
_NAMES = {"classes", "class_names", "label_names"}
_BROKEN = (OSError, EOFError, ValueError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error, NotImplementedError)


class LabeledArray(NamedTuple):
    """Hold the records of one official split, and their labels.

    Parameters
    ----------
    content : ndarray
        The records, one per row.
    labels : dict
        Label columns by name, with one entry per record. Empty if there are no labels.
    split : str or None
        ``train``, ``valid``, ``test``, or None if the data have no splits.
    source : str
        Name of the file, safe to print.
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
        Names of arrays of records, the preferred one first.
    what
        What the records are, in the plural, for error messages.

    Returns
    -------
    list of LabeledArray, tuple of str
        The splits, and notes on what was left out.

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
        message = printable(str(error).partition("\n")[0], 120)
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
    """Return the split and the kind of an array by its name.

    The split is ``train``, ``valid``, ``test`` or None. The kind is ``content``, ``labels``, ``names`` (class names) or
    None for an unknown name.
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
    """Return the label column as a dict, empty without usable labels, and notes. Class numbers become class names."""
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
