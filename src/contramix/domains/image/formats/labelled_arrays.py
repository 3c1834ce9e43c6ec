"""Pictures that come as arrays with their labels: what IDX, CIFAR and npz files hold, one part of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from contramix.domains.image.formats.arrays import channels_first, facts_of, in_8_bits, in_form
from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.size import IMAGE, Form, choose
from contramix.errors import InputError
from contramix.io.media.parallel_decoding import Decoded
from contramix.io.media.record_table import build_record_table
from contramix.io.records import LABEL, Records

ORDER = ("train", "valid", "test")


class Labelled(NamedTuple):
    """Pictures of one part, and their labels.

    Parameters
    ----------
    images : ndarray
        (n, H, W), (n, H, W, C) or (n, C, H, W).
    labels : dict
        Columns of n entries, ``label`` the main one; none where there are no labels.
    part : str or None
        ``train``, ``valid``, ``test``, or None where the data have no parts.
    source : str
        Where they stand, safe to print.
    """

    images: np.ndarray
    labels: dict[str, Any]
    part: str | None
    source: str


def as_reading(
    parts: Sequence[Labelled], settings: ImageSettings, form: Form | None, notes: tuple[str, ...] = ()
) -> Records:
    """Arrays as a reading, in one form: the training part first. Rows are called ``row 0`` and on.

    Raises
    ------
    InputError
        Labels and pictures are not equally many, or the pictures are none.
    """
    parts = sorted(parts, key=lambda part: ORDER.index(part.part or "train"))
    arrays = []
    for part in parts:
        array, said = channels_first(part.images, part.source)
        notes += said
        for name, labels in part.labels.items():
            if len(labels) != len(array):
                raise InputError(f"{part.source}: {len(labels):,} entries of '{name}' for {len(array):,} images")
        arrays.append(in_8_bits(array, part.source))
    if form is None:
        form, said = choose((facts_of(array) for array in arrays for _ in range(len(array))), settings)
        notes += said
    pixels = [in_form(array, form) for array in arrays]
    images = pixels[0] if len(pixels) == 1 else np.concatenate(pixels)
    images = images.reshape(-1).reshape(images.shape)  # Arrow orders axes by their strides, which an axis of 1 mocks
    rows = range(len(images))
    columns = {
        name: pa.concat_arrays(
            [_column(part.labels[name]) if name in part.labels else pa.nulls(len(part.images)) for part in parts]
        )
        for name in parts[0].labels
    }
    named = [part.part for part in parts for _ in range(len(part.images))]
    in_parts = len(parts) > 1 and parts[0].part == "train"
    table = build_record_table(
        IMAGE,
        Decoded(pa.FixedShapeTensorArray.from_numpy_ndarray(images), list(rows), ()),
        [f"row {row + 1}" for row in rows],
        labels=columns.pop(LABEL, None),
        splits=named if in_parts else None,
        extra=columns,
    )
    official = tuple(part for part in ORDER if part in named) if in_parts else ()
    return Records(form.on(table), notes, LABEL if LABEL in table.column_names else None, (), official)


def _column(labels: Any) -> pa.Array:
    """Whole numbers or text."""
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "iu":
        return pa.array(labels.astype(np.int64))
    return pa.array([str(label) for label in labels], pa.large_string())
