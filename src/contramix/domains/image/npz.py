"""Pictures in npy and npz files: ``images`` and ``labels``, ``x_train`` and ``y_test``, and names like these."""

import os
import zipfile
import zlib
from typing import Any

import numpy as np

from contramix.domains.files.archives import check_growth
from contramix.domains.files.layout import PART_NAMES
from contramix.domains.image.labelled import Labelled
from contramix.domains.reading import LABEL
from contramix.domains.table.options import printable
from contramix.errors import InputError

ENDINGS = (".npz", ".npy")
_IMAGES = {"images", "image", "imgs", "x", "data"}
_LABELS = {"labels", "label", "y", "targets", "target"}
_NAMES = {"classes", "class_names", "label_names"}
_BROKEN = (OSError, EOFError, ValueError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error, NotImplementedError)


def read_npz(path: str | os.PathLike[str]) -> tuple[list[Labelled], tuple[str, ...]]:
    """The parts that the arrays of a file form, with notes on what was left out.

    Arrays are known by their names: ``images``, ``x`` or ``data`` are pictures, ``labels`` or ``y`` are labels,
    ``classes`` names the classes, and ``train``, ``test`` or ``val`` in a name is the part. A single array is pictures.

    Raises
    ------
    InputError
        The file is damaged, holds Python objects, or no array of pictures.
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
    images: dict[str | None, np.ndarray] = {}
    labels: dict[str | None, np.ndarray] = {}
    left = []
    for key, array in arrays.items():
        part, kind = meaning(key)
        if kind == "images" or len(arrays) == 1:
            images[part] = array
        elif kind == "labels":
            labels[part] = array
        elif kind != "names":
            left.append(printable(key, 60))
    if not images:
        shown = ", ".join(printable(key, 40) for key in list(arrays)[:8])
        raise InputError(
            f"{source}: no array of images: name one 'images', or 'x_train' and 'x_test' (there are: {shown})"
        )
    if None in images and len(images) > 1:
        left += [str(part) for part in images if part is not None]
        images = {None: images[None]}
    names = next((array for key, array in arrays.items() if meaning(key)[1] == "names"), None)
    notes: tuple[str, ...] = (f"{source}: left out the arrays {', '.join(left[:10])}",) if left else ()
    several = []
    for part, array in images.items():
        column, note = _labels(labels.get(part), names, source)
        notes += note
        several.append(Labelled(array, column, part, source))
    return several, notes


def _loaded(path: str, source: str) -> dict[str, np.ndarray]:
    with open(path, "rb") as file:
        if file.read(2) == b"PK":
            with zipfile.ZipFile(file) as archive:
                sizes = [info.file_size for info in archive.infolist()]
            check_growth(path, len(sizes), sum(sizes), os.path.getsize(path))
        file.seek(0)
        loaded: Any = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"images": loaded}
        with loaded:
            return {key: loaded[key] for key in loaded.files}


def meaning(key: str) -> tuple[str | None, str | None]:
    """Which part an array's name speaks of, and what the array is."""
    whole = key.lower()
    if whole in _NAMES:
        return None, "names"
    words = whole.replace("-", "_").split("_")
    part = next((PART_NAMES[word] for word in words if word in PART_NAMES), None)
    rest = [word for word in words if word not in PART_NAMES]
    if len(rest) != 1:
        return part, None
    return part, "images" if rest[0] in _IMAGES else "labels" if rest[0] in _LABELS else None


def _labels(
    labels: np.ndarray | None, names: np.ndarray | None, source: str
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """The labels' column, by name where names are there."""
    if labels is None:
        return {}, ()
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        return {}, (f"{source}: left out the labels, which are {labels.ndim}-D: give one a picture",)
    if labels.dtype.kind == "f" and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    whole = labels.dtype.kind in "iu"
    if names is not None and whole and len(labels) and labels.min() >= 0 and labels.max() < len(names):
        labels = names[labels]
    return {LABEL: labels}, ()
