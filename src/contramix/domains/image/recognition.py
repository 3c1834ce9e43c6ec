"""Recognize paths and Python values that are images beyond doubt."""

import os
import zipfile
from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from contramix.domains.image.decoding import ENDINGS
from contramix.domains.image.formats.idx import ENDINGS as IDX
from contramix.domains.image.formats.npz import is_images_name
from contramix.domains.image.size import IMAGE
from contramix.io.media.embedded_files import is_embedded_file_type
from contramix.io.media.recognition import contains_files

COLUMNS = (IMAGE, "img", "picture", "jpg", "png")
"""Usual names of a column of encoded images."""
_CIFAR = ("/data_batch_1", "/data_batch_1.bin", "/meta", "/fine_label_names.txt")


def recognizes(path: str | os.PathLike[str]) -> bool:
    """Return whether a file, folder or archive holds images.

    A Parquet or Arrow file counts if it has a column of encoded images, an npy or npz file if it holds arrays that can
    only be images.
    """
    return contains_files(path, (*ENDINGS, *IDX, *_CIFAR), COLUMNS) or _arrays_of_images(os.fsdecode(path))


def recognizes_values(values: Any) -> bool:
    """Return whether Python values are images.

    The result is True for an array or tensor of four dimensions, or of three dimensions and type uint8; for a list of
    Pillow images, of arrays of images, or of paths of image files; and for a table with a column ``image`` of encoded
    or decoded images.
    """
    if isinstance(values, pa.Table):
        return IMAGE in values.column_names and _is_images(values.schema.field(IMAGE).type)
    if isinstance(values, np.ndarray | Tensor):
        return _looks_like_images(values.ndim, str(values.dtype))
    if not isinstance(values, list | tuple) or not values:
        return False
    if all(isinstance(one, str | bytes | os.PathLike) for one in values):
        return all(os.fsdecode(one).lower().endswith(ENDINGS) for one in values)
    return all(is_pillows(one) or _is_picture(one) for one in values)


def is_pillows(value: Any) -> bool:
    """Return whether a value is a Pillow image, without importing Pillow."""
    return any(kind.__module__ == "PIL.Image" and kind.__name__ == "Image" for kind in type(value).__mro__)


def _is_picture(value: Any) -> bool:
    if not isinstance(value, np.ndarray | Tensor):
        return False
    return value.ndim == 3 or (value.ndim == 2 and str(value.dtype).endswith("uint8"))


def _is_images(kind: pa.DataType) -> bool:
    return is_embedded_file_type(kind) or (isinstance(kind, pa.FixedShapeTensorType) and len(kind.shape) == 3)


def _looks_like_images(axes: int, kind: str) -> bool:
    return axes == 4 or (axes == 3 and kind.endswith("uint8"))


def _arrays_of_images(path: str) -> bool:
    """Return whether a file is an npy or npz file of images. Only the headers of its arrays are read."""
    try:
        with open(path, "rb") as file:
            if path.lower().endswith(".npy"):
                return _looks_like_images(*_header(file))
            if not path.lower().endswith(".npz"):
                return False
            with zipfile.ZipFile(file) as archive:
                members = archive.namelist()
                for member in members:
                    if is_images_name(member.removesuffix(".npy")) or len(members) == 1:
                        with archive.open(member) as stream:
                            if _looks_like_images(*_header(stream)):
                                return True
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        pass
    return False


def _header(stream: Any) -> tuple[int, str]:
    """Read the header of an array in npy format, and return the number of dimensions and the name of the dtype."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    return len(shape), dtype.name
