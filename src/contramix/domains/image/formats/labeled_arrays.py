"""Convert labeled arrays of images, as IDX, CIFAR and npz files hold them, to records."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from contramix.domains.image.formats.arrays import channels_first, size_and_channels, to_size, to_uint8
from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.size import IMAGE, ImageSize, choose_size
from contramix.domains.splits import ORDER, ordered_splits
from contramix.errors import InputError
from contramix.io.media.array_files import LabeledArray
from contramix.io.media.parallel_decoding import Decoded
from contramix.io.media.record_table import build_record_table
from contramix.io.records import LABEL, Records


def arrays_to_records(
    arrays: Sequence[LabeledArray], settings: ImageSettings, size: ImageSize | None, notes: tuple[str, ...] = ()
) -> Records:
    """Convert arrays of images to records of one image size, with the training split first.

    The column ``file`` of the records is ``row 1``, ``row 2`` and so on.

    Parameters
    ----------
    arrays
        Images (n, H, W), (n, H, W, C) or (n, C, H, W), with their labels; one array per official split.
    settings
        Settings by which the image size is chosen if ``size`` is None.
    size
        The image size of all records, such as that of a trained model, or None.
    notes
        Messages for the user that are put before the messages of this function.

    Raises
    ------
    InputError
        If an array does not hold images, or the number of labels is not that of images.
    """
    arrays = sorted(arrays, key=lambda array: ORDER.index(array.split or "train"))
    pixels = []
    for array in arrays:
        images, more = channels_first(array.content, array.source)
        notes += more
        for name, labels in array.labels.items():
            if len(labels) != len(images):
                raise InputError(f"{array.source}: {len(labels):,} entries of '{name}' for {len(images):,} images")
        pixels.append(to_uint8(images, array.source))
    if size is None:
        size, more = choose_size((size_and_channels(images) for images in pixels for _ in range(len(images))), settings)
        notes += more
    resized = [to_size(images, size) for images in pixels]
    joined = resized[0] if len(resized) == 1 else np.concatenate(resized)
    # Arrow orders axes by their strides, which are ambiguous for an axis of length 1.
    joined = joined.reshape(-1).reshape(joined.shape)
    rows = range(len(joined))
    columns = {
        name: pa.concat_arrays(
            [_column(a.labels[name]) if name in a.labels else pa.nulls(len(a.content)) for a in arrays]
        )
        for name in arrays[0].labels
    }
    splits = [array.split for array in arrays for _ in range(len(array.content))]
    official = len(arrays) > 1 and arrays[0].split == "train"
    table = build_record_table(
        IMAGE,
        Decoded(pa.FixedShapeTensorArray.from_numpy_ndarray(joined), list(rows), ()),
        [f"row {row + 1}" for row in rows],
        labels=columns.pop(LABEL, None),
        splits=splits if official else None,
        extra=columns,
    )
    target = LABEL if LABEL in table.column_names else None
    return Records(size.annotate(table), notes, target, (), ordered_splits(splits) if official else ())


def _column(labels: Any) -> pa.Array:
    """Convert labels to an Arrow array: an integer array to int64, all other labels to strings."""
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "iu":
        return pa.array(labels.astype(np.int64))
    return pa.array([str(label) for label in labels], pa.large_string())
