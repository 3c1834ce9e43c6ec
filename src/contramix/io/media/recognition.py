"""Whether a path holds files of a kind: by names alone, and only as many as are needed."""

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
"""Members of a tar archive that are looked at: a packed one must be unpacked as far as that."""
_BROKEN = (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error, pa.ArrowException)


def contains_files(path: str | os.PathLike[str], endings: Collection[str], columns: Collection[str]) -> bool:
    """Whether a file has such an ending, a folder or an archive holds one that has, or a table has such a column of
    encoded files. A path that cannot be read holds nothing.
    """
    place = os.fsdecode(path)
    ends = tuple(endings)
    try:
        return any(is_visible(name) and has_ending(name.lower(), ends) for name in _names(place)) or _has_cells(
            place, columns
        )
    except _BROKEN:
        return False


def _names(place: str) -> Iterable[str]:
    if os.path.isdir(place):
        return _in_folder(place)
    return _in_archive(place) if is_archive(place) else [os.path.basename(place)]


def _in_folder(folder: str) -> Iterator[str]:
    """The files' names, then those in the archives right here."""
    for _, name in walk_folder(folder):
        yield name
    for name in sorted(os.listdir(folder)):
        if is_archive(name):
            yield from _in_archive(os.path.join(folder, name))


def _in_archive(path: str) -> Iterator[str]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from map(clean_member_name, archive.namelist())
    else:
        with tarfile.open(path, "r|*") as packed:
            yield from (clean_member_name(member.name) for member in islice(packed, MAX_TAR_MEMBERS))


def _has_cells(path: str, columns: Collection[str]) -> bool:
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
