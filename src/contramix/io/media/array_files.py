"""Arrays in npy and npz files: what the records are and what their labels, by names like ``x_train`` and ``y_test``."""

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
    """Records of one part, and their labels.

    Parameters
    ----------
    content : ndarray
        A record a row.
    labels : dict
        Columns of as many entries, ``label`` the main one; none where there are no labels.
    split : str or None
        ``train``, ``valid``, ``test``, or None where the data have no parts.
    source : str
        Where they stand, safe to print.
    """

    content: np.ndarray
    labels: dict[str, Any]
    split: str | None
    source: str


def read_arrays(
    path: str | os.PathLike[str], called: Collection[str], what: str
) -> tuple[list[LabeledArray], tuple[str, ...]]:
    """The parts that the arrays of a file form, with notes on what was left out.

    Arrays are known by their names: ``labels`` or ``y`` are labels, ``classes`` names the classes, and ``train``,
    ``test`` or ``val`` in a name is the part. A single array is records.

    Parameters
    ----------
    path
        The file.
    called, what
        Names of arrays of records, the best first, and what records are in words.

    Raises
    ------
    InputError
        The file is damaged, holds Python objects, or no array of records.
    """
    source = printable(path)
    try:
        arrays = _loaded(os.fsdecode(path), source)
    except InputError:
        raise
    except _BROKEN as error:
        said = printable(str(error).partition("\n")[0], 120)
        if "pickle" in said or "Object arrays" in said:
            raise InputError(
                f"{source}: holds Python objects, which are never unpickled: save numbers or text"
            ) from None
        raise InputError(f"{source}: truncated or damaged ({said}): write or copy the file again") from None
    content: dict[str | None, np.ndarray] = {}
    labels: dict[str | None, np.ndarray] = {}
    left = []
    for key, array in arrays.items():
        part, kind = parse_array_name(key, called)
        if kind == "content" or len(arrays) == 1:
            content[part] = array
        elif kind == "labels":
            labels[part] = array
        elif kind != "names":
            left.append(printable(key, 60))
    if not content:
        shown = ", ".join(printable(key, 40) for key in list(arrays)[:8])
        best = next(iter(called))
        raise InputError(
            f"{source}: no array of {what}: name one '{best}', or 'x_train' and 'x_test' (there are: {shown})"
        )
    if None in content and len(content) > 1:
        left += [str(part) for part in content if part is not None]
        content = {None: content[None]}
    names = next((array for key, array in arrays.items() if parse_array_name(key, called)[1] == "names"), None)
    notes: tuple[str, ...] = (f"{source}: left out the arrays {', '.join(left[:10])}",) if left else ()
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


def parse_array_name(key: str, called: Collection[str]) -> tuple[str | None, str | None]:
    """Which part an array's name speaks of, and what the array is: ``content``, ``labels``, ``names`` or unknown."""
    whole = key.lower()
    if whole in _NAMES:
        return None, "names"
    words = whole.replace("-", "_").split("_")
    part = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)
    rest = [word for word in words if word not in SPLIT_NAMES]
    if len(rest) != 1:
        return part, None
    return part, "content" if rest[0] in called else "labels" if rest[0] in _LABELS else None


def _labels(
    labels: np.ndarray | None, names: np.ndarray | None, source: str
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The labels' column, by name where names are there."""
    if labels is None:
        return {}, ()
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        return {}, (f"{source}: left out the labels, which are {labels.ndim}-D: give one a record",)
    if labels.dtype.kind == "f" and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    whole = labels.dtype.kind in "iu"
    if names is not None and whole and len(labels) and labels.min() >= 0 and labels.max() < len(names):
        labels = names[labels]
    return {LABEL: labels}, ()
