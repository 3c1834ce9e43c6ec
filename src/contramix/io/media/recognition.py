"""Check whether a folder, archive or table contains files with given extensions, from few file names."""

import os
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from itertools import islice

import pyarrow as pa
from pyarrow.parquet import ParquetFile

from contramix.io.media.archives import clean_member_name, is_archive
from contramix.io.media.embedded_files import is_embedded_file_type, list_table_files
from contramix.io.media.listing import has_ending, is_visible, walk_folder

MAX_TAR_MEMBERS = 1000
"""Maximum number of members of a tar archive that are checked. A compressed tar has to be unpacked to list them."""
_BROKEN = (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error, pa.ArrowException)


def contains_files(path: str | os.PathLike[str], endings: Collection[str], columns: Collection[str]) -> bool:
    """Return whether a path is a media file with one of the endings, or contains one.

    The path may be a file, a folder, an archive, or a table with a column of encoded files. The result is False for a
    path that cannot be read.

    Parameters
    ----------
    path
        The file, folder or archive.
    endings
        Lower-case extensions such as ``{".png", ".jpg"}``. An ending that starts with ``/`` is a complete file name.
    columns
        Names of table columns that may contain encoded files, such as ``image``.
    """
    path_name = os.fsdecode(path)
    suffixes = tuple(endings)
    try:
        return any(
            is_visible(name) and has_ending(name.lower(), suffixes) for name in _names(path_name)
        ) or _has_embedded_files(path_name, columns)
    except _BROKEN:
        return False


def _names(path_name: str) -> Iterable[str]:
    if os.path.isdir(path_name):
        return _folder_names(path_name)
    return _archive_names(path_name) if is_archive(path_name) else [os.path.basename(path_name)]


def _folder_names(folder: str) -> Iterator[str]:
    """Yield the names of all files in a folder and its subfolders, and then those of the members of its archives.

    Archives in subfolders are not searched.
    """
    for _, name in walk_folder(folder):
        yield name
    for name in sorted(os.listdir(folder)):
        if is_archive(name):
            yield from _archive_names(os.path.join(folder, name))


def _archive_names(path: str) -> Iterator[str]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from map(clean_member_name, archive.namelist())
    else:
        with tarfile.open(path, "r|*") as packed:
            yield from (clean_member_name(member.name) for member in islice(packed, MAX_TAR_MEMBERS))


def _has_embedded_files(path: str, columns: Collection[str]) -> bool:
    for file in list_table_files(path)[:1]:
        with open(file, "rb") as stream:
            if file.lower().endswith((".parquet", ".pq")):
                with ParquetFile(stream) as parquet:
                    schema = parquet.schema_arrow
            else:
                with pa.ipc.open_file(stream) as arrow:
                    schema = arrow.schema
        return any(field.name in columns and is_embedded_file_type(field.type) for field in schema)
    return False
