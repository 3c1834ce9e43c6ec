"""Convert arrays, images of Pillow, and lists of image files to records."""

import os
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from contramix.domains.image.decoding import header, pixels
from contramix.domains.image.formats.arrays import channels_first, size_and_channels, to_size, to_uint8
from contramix.domains.image.formats.labeled_arrays import arrays_to_records
from contramix.domains.image.reading import decode_files
from contramix.domains.image.recognition import is_pillows
from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.size import IMAGE, ImageSize, choose_size
from contramix.domains.image.spec import ImageSpec
from contramix.errors import InputError, printable
from contramix.io.media.array_files import LabeledArray
from contramix.io.media.embedded_files import extract_embedded_files
from contramix.io.media.encoded_records import ENCODED
from contramix.io.media.listing import MediaFiles
from contramix.io.media.media_file import MediaFile, UnreadableFileError, read_file
from contramix.io.media.parallel_decoding import IN_MEMORY_BYTES
from contramix.io.media.record_table import build_record_table
from contramix.io.options import ReadOptions
from contramix.io.records import Records

_EVERY_ROW = ReadOptions(on_bad_files="fail")
_SOURCE = "images"


def from_values(values: Any, settings: ImageSettings, fitted_spec: ImageSpec | None = None) -> Records:
    """Convert Python values to images, one row per value. A value that cannot be read is an error.

    Parameters
    ----------
    values
        An array or tensor (n, H, W), (n, H, W, C) or (n, C, H, W) of bytes, or of floats in 0..1 or 0..255; a list of
        arrays of single images, of Pillow images, or of paths of image files; or a table that a reader of this domain
        returned, or with a column ``image`` of encoded images.
    settings
        Size and number of channels of the images.
    fitted_spec
        Specification of a trained model. If given, its image size replaces that of the settings.

    Raises
    ------
    InputError
        If the values are not images, or one of them cannot be decoded.

    Examples
    --------
    >>> from_values(np.zeros((5, 28, 28), np.uint8), ImageSettings()).table.column("image").type.shape
    [1, 28, 28]
    """
    size = None if fitted_spec is None else fitted_spec.size
    if isinstance(values, pa.Table):
        return _from_table(values, settings, size)
    if isinstance(values, np.ndarray | Tensor):
        return arrays_to_records([LabeledArray(_array(values), {}, None, _SOURCE)], settings, size)
    if not isinstance(values, list | tuple) or not values:
        raise InputError("give images as an array (n, height, width[, channels]), or a list of images or of files")
    if all(isinstance(one, str | bytes | os.PathLike) for one in values):
        places = [os.fsdecode(one) for one in values]
        files = tuple(
            MediaFile(printable(place), partial(read_file, place), os.path.abspath(place)) for place in places
        )
        found = MediaFiles("list of files", files, {})
        decoded, size, notes = decode_files(found, _EVERY_ROW, settings, size, IN_MEMORY_BYTES)
        return Records(size.annotate(build_record_table(IMAGE, decoded, found.names)), notes)
    return _from_list(values, settings, size)


def _from_table(table: pa.Table, settings: ImageSettings, size: ImageSize | None) -> Records:
    """Convert a table to records: decode a column ``image`` of encoded images, or keep images that were read before.

    If images are decoded, ``size`` is their size; None: choose it by the settings.
    """
    if IMAGE not in table.column_names:
        raise InputError(f"there is no column {IMAGE!r} of images")
    kind = table.schema.field(IMAGE).type
    if isinstance(kind, pa.FixedShapeTensorType) or (kind == ENCODED and ImageSize.of(table) is not None):
        return Records(table)
    cells = extract_embedded_files(table, IMAGE, f"column {IMAGE!r}")
    decoded, size, notes = decode_files(cells.files, _EVERY_ROW, settings, size, IN_MEMORY_BYTES)
    at = table.column_names.index(IMAGE)
    return Records(size.annotate(table.set_column(at, IMAGE, decoded.content)), notes)


def _from_list(values: Any, settings: ImageSettings, size: ImageSize | None) -> Records:
    """Convert a list of arrays and Pillow images, which may differ in size, to records of one image size.

    ``size`` is the size of the result; None: choose it by the settings.
    """
    notes: tuple[str, ...] = ()
    singles: list[Any] = [one if is_pillows(one) else _single(one, row) for row, one in enumerate(values)]
    if size is None:
        size, notes = choose_size(
            (header(one) if is_pillows(one) else size_and_channels(one) for one in singles), settings
        )
    held = np.empty((len(singles), *size), np.uint8)
    for row, one in enumerate(singles):
        try:
            held[row] = pixels(one, size) if is_pillows(one) else to_size(one, size)[0]
        except (UnreadableFileError, OSError, SyntaxError, ValueError) as error:
            raise InputError(f"row {row + 1}: {printable(str(error), 120)}") from None
    return Records(size.annotate(pa.table({IMAGE: pa.FixedShapeTensorArray.from_numpy_ndarray(held)})), notes)


def _single(value: Any, row: int) -> np.ndarray:
    if not isinstance(value, np.ndarray | Tensor):
        raise InputError(f"row {row + 1}: {type(value).__name__} is no image: give arrays, Pillow's images or paths")
    array, _ = channels_first(_array(value)[None], f"row {row + 1}")
    return to_uint8(array, f"row {row + 1}")


def _array(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value
