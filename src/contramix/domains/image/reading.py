"""Read images from folders, archives, IDX, CIFAR, npy and npz files, and tables with encoded images."""

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import ceil

import numpy as np
import pyarrow as pa

from contramix.domains.image.decoding import ENDINGS, check_pillow, decode, facts
from contramix.domains.image.formats import cifar, idx, npz
from contramix.domains.image.formats.labeled_arrays import arrays_to_records
from contramix.domains.image.recognition import COLUMNS
from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.size import IMAGE, ImageSize, choose_size
from contramix.domains.image.spec import ImageSpec
from contramix.domains.splits import ordered_splits
from contramix.errors import InputError, printable
from contramix.io.media.embedded_files import EmbeddedFiles, list_table_files, read_embedded_files
from contramix.io.media.listing import MediaFiles, NothingFoundError, has_ending, list_media_files
from contramix.io.media.media_file import MediaFile, UnreadableFileError
from contramix.io.media.parallel_decoding import IN_MEMORY_BYTES, Decoded, decode_all, map_files
from contramix.io.media.path_labels import infer_splits_and_labels
from contramix.io.media.record_table import build_record_table
from contramix.io.options import ReadOptions
from contramix.io.records import LABEL, SPLIT, Records

PROBED_IMAGES = 5000
"""Number of images, evenly spaced, whose headers decide size and channels if these are not set."""
_READ = (
    "give a folder or one zip or tar archive of PNG, JPEG, WebP, BMP, GIF or TIFF files, IDX or CIFAR files, "
    "an npy or npz file, or Parquet with a column of encoded images"
)


def read(
    path: str | os.PathLike[str],
    options: ReadOptions,
    settings: ImageSettings,
    fitted_spec: ImageSpec | None = None,
    *,
    in_memory_bytes: int = IN_MEMORY_BYTES,
) -> Records:
    """Read images as rows of a table with the columns ``image`` and ``file``.

    If the data provide them, the table also has the columns ``label`` and ``part`` (the official split of each image).

    Parameters
    ----------
    path
        A folder or a zip or tar archive of PNG, JPEG, WebP, BMP, GIF or TIFF files, whose folders may be splits and
        classes; IDX files; CIFAR-10 or CIFAR-100 in the python or binary layout; an npy or npz file; Parquet or Arrow
        files with a column of encoded images; one image.
    options
        How files are read; ``on_bad_files`` applies to files that cannot be decoded.
    settings
        Size and number of channels of the images.
    fitted_spec
        Specification of a trained model. If given, its image size replaces that of the settings.
    in_memory_bytes
        Maximum size of all decoded images in bytes. If it is exceeded, the table refers to the encoded files, and
        images are decoded on every access.

    Raises
    ------
    InputError
        If there are no images, or none that can be read, or Pillow is needed and not installed.
    """
    size = None if fitted_spec is None else fitted_spec.size
    place = os.fsdecode(path)
    if os.path.isfile(place) and place.lower().endswith(npz.ENDINGS):
        arrays, notes = npz.read_npz(place)
        return arrays_to_records(arrays, settings, size, notes)
    if list_table_files(place) and (cells := read_embedded_files(place, COLUMNS)) is not None:
        return _from_cells(cells, options, settings, size, in_memory_bytes)
    try:
        found = list_media_files(place, (*ENDINGS, *idx.ALL_ENDINGS, *cifar.ENDINGS))
    except NothingFoundError:
        if (lone := _lone_npz(place)) is None:
            raise InputError(f"{printable(place)}: holds no images: {_READ}") from None
        arrays, notes = npz.read_npz(lone)
        return arrays_to_records(arrays, settings, size, notes)
    if any(has_ending(name.lower(), idx.ALL_ENDINGS) for name in found.names):
        files = idx.with_labels(place) if has_ending(os.path.basename(place).lower(), idx.ENDINGS) else found.files
        return arrays_to_records(idx.read_idx(files, found.source), settings, size, found.notes)
    if cifar.is_cifar(found.files):
        return arrays_to_records(cifar.read_cifar(found.files, found.source), settings, size, found.notes)
    return _from_files(found, options, settings, size, in_memory_bytes)


def decode_files(
    found: MediaFiles, options: ReadOptions, settings: ImageSettings, size: ImageSize | None, in_memory_bytes: int
) -> tuple[Decoded, ImageSize, tuple[str, ...]]:
    """Decode files to images of one size.

    Parameters
    ----------
    found
        The files.
    options
        How files are read; ``on_bad_files`` applies to files that cannot be decoded, and ``progress`` is called after
        each file.
    settings
        Settings by which the image size is chosen if ``size`` is None. If a setting is ``"auto"``, the headers of at
        most 5,000 of the files decide.
    size
        The size of all images, such as that of a trained model, or None.
    in_memory_bytes
        Maximum size of all decoded images in bytes. If it is exceeded, the result refers to the encoded files.

    Returns
    -------
    decoded, size, notes
        The images and the files that could not be decoded, the image size, and one-line messages for the user on how
        images are converted.
    """
    check_pillow()
    notes: tuple[str, ...] = ()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")  # Pillow warns of oddities in the header of each file
        if size is None:
            size, notes = choose_size(_sizes(found.files, settings), settings)
        decoded = decode_all(
            found,
            partial(decode, size=size),
            size,
            np.uint8,
            on_bad_files=options.on_bad_files,
            in_memory_bytes=in_memory_bytes,
            progress=options.progress,
        )
    return decoded, size, notes


def _sizes(files: Sequence[MediaFile], settings: ImageSettings) -> list[tuple[int, int, int]]:
    if "auto" not in (settings.size, settings.channels):
        return []
    probed = files[:: ceil(len(files) / PROBED_IMAGES)] if files else ()
    return [result for result in map_files(probed, facts) if not isinstance(result, UnreadableFileError)]


def _from_files(
    found: MediaFiles, options: ReadOptions, settings: ImageSettings, size: ImageSize | None, in_memory_bytes: int
) -> Records:
    images = tuple(item for item in found.files if has_ending(item.name.lower(), ENDINGS))
    found = replace(found, files=images)
    decoded, size, notes = decode_files(found, options, settings, size, in_memory_bytes)
    layout = infer_splits_and_labels(found.names)
    table = build_record_table(IMAGE, decoded, found.names, labels=layout.labels, splits=layout.splits)
    target = None if layout.labels is None else LABEL
    return Records(size.annotate(table), (*found.notes, *notes), target, decoded.bad_files, _splits(table))


def _from_cells(
    cells: EmbeddedFiles, options: ReadOptions, settings: ImageSettings, size: ImageSize | None, in_memory_bytes: int
) -> Records:
    decoded, size, notes = decode_files(cells.files, options, settings, size, in_memory_bytes)
    table = build_record_table(IMAGE, decoded, cells.files.names)
    rest = cells.other_columns.take(pa.array(decoded.indices, pa.int64()))
    for name in rest.column_names:
        if name not in table.column_names:
            table = table.append_column(name, rest.column(name))
    return Records(size.annotate(table), notes, cells.label_column, decoded.bad_files, _splits(table))


def _splits(table: pa.Table) -> tuple[str, ...]:
    splits = ordered_splits(table.column(SPLIT).to_pylist()) if SPLIT in table.column_names else ()
    return splits if "train" in splits else ()


def _lone_npz(folder: str) -> str | None:
    """Return the path of the only npy or npz file in a folder; None if there is none or more than one."""
    if not os.path.isdir(folder):
        return None
    names = [name for name in os.listdir(folder) if name.lower().endswith(npz.ENDINGS) and not name.startswith(".")]
    return os.path.join(folder, names[0]) if len(names) == 1 else None
