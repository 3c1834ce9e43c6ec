"""Read CIFAR-10 and CIFAR-100 as published, in the python or binary layout, from a folder or a tar archive."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from contramix.domains.image.formats.safe_pickle import plain_values
from contramix.errors import InputError, printable
from contramix.io.media.array_files import LabeledArray
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.records import LABEL

PIXELS = 3 * 32 * 32
COARSE = "coarse_label"
_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_PYTHON = {**dict.fromkeys(_BATCHES, "train"), "test_batch": "test"}
_PYTHON_100 = {"train": "train", "test": "test"}
_BINARY = {f"{name}.bin": split for name, split in _PYTHON.items()}
_BINARY_100 = {"train.bin": "train", "test.bin": "test"}
_NAMES = ("batches.meta", "meta", "batches.meta.txt", "fine_label_names.txt", "coarse_label_names.txt")
ENDINGS = (*_PYTHON, *_BINARY, *_BINARY_100, "/train", "/test", "/meta", "batches.meta", *_NAMES[2:])
"""Endings of the names of files, in either layout."""


def is_cifar(items: Sequence[MediaFile]) -> bool:
    """Return whether files are those of CIFAR-10 or CIFAR-100, in the python or binary layout, by their names."""
    return _layout({_base(item) for item in items}) is not None


def read_cifar(items: Sequence[MediaFile], source: str) -> list[LabeledArray]:
    """Read the files of CIFAR-10 or CIFAR-100, and return one array per official split, with its labels.

    Labels are class names if a file with the names is among the files, else numbers. For CIFAR-100, the labels have the
    keys ``label`` and ``coarse_label``. Files of the python layout are pickles. They are never unpickled, but read by
    `contramix.domains.image.formats.safe_pickle`.

    Parameters
    ----------
    items
        The files.
    source
        Path of the data set, for error messages.

    Raises
    ------
    InputError
        If a file is damaged, or if the files are not those of CIFAR.
    """
    by_base_name = {_base(item): item for item in items}
    layout = _layout(by_base_name.keys())
    if layout is None:
        raise InputError(f"{source}: holds no CIFAR")
    names = _class_names(by_base_name)
    batches: dict[str, list[LabeledArray]] = {}
    for base, split in layout.items():
        if base in by_base_name:
            name = by_base_name[base].name
            read = _binary if base.endswith(".bin") else _python
            pixels, labels = read(_bytes(by_base_name[base]), name, layout is _BINARY_100)
            named = {column: _named(values, names.get(column), name) for column, values in labels.items()}
            batches.setdefault(split, []).append(LabeledArray(pixels.reshape(-1, 3, 32, 32), named, split, name))
    return [_concatenate(split, several) for split, several in batches.items()]


def _layout(names: Any) -> dict[str, str] | None:
    for layout, needed in ((_PYTHON, _PYTHON), (_BINARY, _BINARY), (_BINARY_100, {"train.bin"})):
        if any(name in names for name in needed):
            return layout
    return _PYTHON_100 if {"train", "meta"} <= set(names) else None


def _python(data: bytes, name: str, _: bool) -> tuple[np.ndarray, dict[str, Any]]:
    values = plain_values(data, name)
    try:
        batch = {_text(key): value for key, value in values.items()}
        pixels = batch["data"]
        found = {LABEL: batch.get("labels", batch.get("fine_labels")), COARSE: batch.get("coarse_labels")}
        labels = {column: np.array(values, np.int64) for column, values in found.items() if values is not None}
        if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != PIXELS or LABEL not in labels:
            raise TypeError
        if any(len(values) != len(pixels) for values in labels.values()):
            raise InputError(f"{name}: {len(labels[LABEL]):,} labels for {len(pixels):,} images")
        return pixels, labels
    except InputError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise InputError(f"{name}: is no CIFAR batch: it needs 'data' of {PIXELS} bytes a row, and 'labels'") from None


def _binary(data: bytes, name: str, hundred: bool) -> tuple[np.ndarray, dict[str, Any]]:
    ahead = 2 if hundred else 1
    if len(data) % (ahead + PIXELS):
        raise InputError(f"{name}: {len(data):,} bytes are not a whole number of CIFAR's rows of {ahead + PIXELS}")
    rows = np.frombuffer(data, np.uint8).reshape(-1, ahead + PIXELS)
    labels = {LABEL: rows[:, ahead - 1].astype(np.int64)}
    if hundred:
        labels[COARSE] = rows[:, 0].astype(np.int64)
    return rows[:, ahead:], labels


def _class_names(by_base_name: dict[str, MediaFile]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for base, item in by_base_name.items():
        if base in ("batches.meta", "meta"):
            values = plain_values(_bytes(item), item.name)
            known = {_text(key): value for key, value in values.items()} if isinstance(values, dict) else {}
            for column, keys in ((LABEL, ("label_names", "fine_label_names")), (COARSE, ("coarse_label_names",))):
                for key in keys:
                    if key in known:
                        names[column] = [_text(name) for name in known[key]]
        elif base in ("batches.meta.txt", "fine_label_names.txt", "coarse_label_names.txt"):
            lines = _bytes(item).decode("utf-8", "replace").split("\n")
            column = COARSE if base.startswith("coarse") else LABEL
            names[column] = [line.strip() for line in lines if line.strip()]
    return names


def _named(numbers: np.ndarray, names: list[str] | None, source: str) -> np.ndarray:
    if names is None:
        return numbers
    if len(numbers) and not (numbers.min() >= 0 and numbers.max() < len(names)):
        raise InputError(f"{source}: label {numbers.max()} where there are {len(names)} class names")
    texts: np.ndarray = np.array(names)[numbers]
    return texts


def _concatenate(split: str, several: list[LabeledArray]) -> LabeledArray:
    labels = {name: np.concatenate([batch.labels[name] for batch in several]) for name in several[0].labels}
    return LabeledArray(np.concatenate([batch.content for batch in several]), labels, split, several[0].source)


def _text(value: Any) -> str:
    return printable(value) if isinstance(value, bytes | str) else str(value)


def _base(item: MediaFile) -> str:
    return item.name.rpartition("/")[2]


def _bytes(item: MediaFile) -> bytes:
    try:
        return item.read()
    except (UnreadableFileError, OSError) as error:
        raise InputError(f"{item.name}: {printable(str(error), 120)}") from None
