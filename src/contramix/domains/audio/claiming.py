"""Whether a path holds sounds: by names alone, and only as many as are needed."""

import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from itertools import islice

import pyarrow as pa
from pyarrow.parquet import ParquetFile

from contramix.domains.audio.decoding import ENDINGS
from contramix.domains.audio.form import AUDIO
from contramix.domains.files.archives import is_archive
from contramix.domains.files.cells import is_cell, table_files

LOOKED_AT = 1000
"""Names of an archive's members that are looked at; a packed tar must be unpacked as far as that."""
_BROKEN = (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile, zlib.error, pa.ArrowException)


def claims(path: str | os.PathLike[str]) -> bool:
    """Whether a file, folder or archive holds sounds, or a table has a column ``audio`` of encoded ones."""
    try:
        return any(map(_is_sound, _names(os.fsdecode(path)))) or _holds_cells(path)
    except _BROKEN:
        return False


def _is_sound(name: str) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.replace("\\", "/").split("/"))
    return not hidden and name.lower().endswith(tuple(ENDINGS))


def _names(place: str) -> Iterable[str]:
    """Names of what a path holds."""
    if os.path.isdir(place):
        return _in_folder(place)
    return _in_archive(place) if is_archive(place) else [os.path.basename(place)]


def _in_folder(folder: str) -> Iterator[str]:
    """All files' names, then those in the archives right here."""
    for _, _, names in os.walk(folder):
        yield from names
    for name in sorted(os.listdir(folder)):
        if is_archive(name):
            yield from _in_archive(os.path.join(folder, name))


def _in_archive(path: str) -> Iterator[str]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from archive.namelist()
    else:
        with tarfile.open(path, "r|*") as packed:
            yield from (member.name for member in islice(packed, LOOKED_AT))


def _holds_cells(path: str | os.PathLike[str]) -> bool:
    for file in table_files(path)[:1]:
        if file.lower().endswith((".parquet", ".pq")):
            with open(file, "rb") as stream, ParquetFile(stream) as parquet:
                schema = parquet.schema_arrow
        else:
            with open(file, "rb") as stream, pa.ipc.open_file(stream) as arrow:
                schema = arrow.schema
        return AUDIO in schema.names and is_cell(schema.field(AUDIO).type)
    return False
