"""Estimate the size of a table that may be larger than memory, and detect whether its files changed."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyarrow.parquet import FileMetaData, read_metadata

from contramix.domains.table.settings import TableSettings
from contramix.errors import InputError
from contramix.io.options import ReadOptions
from contramix.io.records import RecordChunks
from contramix.io.tables.chunks import list_parquet_files, read_chunks
from contramix.io.tables.csv.dialect import DELIMITERS
from contramix.io.tables.opening import check_file, detect_format, open_decompressed
from contramix.io.tables.reading import DAMAGED_FILE_ERRORS, damaged_file_error

CELL_BYTES = 20
"""Bytes of memory per cell: 8 for the value as read, 8 for a copy made by the reader, 4 for the float32 sample."""
COMPRESSION_RATIO = 8
"""Assumed ratio of the size of a CSV file to its compressed size."""
HASHED_BYTES, HASHED_POSITIONS = 2**20, 64
"""Number of bytes hashed at each end of a file, and number of evenly spaced positions at which bytes are hashed."""


@dataclass(frozen=True)
class UnreadTable:
    """Represent a table on disk that may be larger than memory, and that has not been read yet.

    The table can be read in chunks. Its size in memory can be estimated, and changes of its files can be detected,
    without reading it completely.

    Parameters
    ----------
    path
        A table file, or a folder of Parquet files.
    options
        How files are read, such as the delimiter of a CSV file.
    settings
        The section ``table`` of the recipe: how columns are read and encoded.
    """

    path: str | os.PathLike[str]
    options: ReadOptions
    settings: TableSettings

    def read_chunks(self) -> RecordChunks:
        """Read the table in chunks of rows. Iterating over the result yields Arrow tables."""
        return read_chunks(self.path, self.options)

    @property
    def bytes_in_memory(self) -> int:
        """Estimate how many bytes of memory all rows would take, without reading the whole table.

        Raises
        ------
        InputError
            If a file does not exist or is damaged.
        """
        return CELL_BYTES * sum(_estimate_cells(file) for file in self._files)

    @property
    def identity(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary that differs if the files, the read options or the settings changed.

        It holds, for each file, the size, the modification time and a hash of samples of its bytes. It also holds the
        settings, and the read options that affect the rows.
        """
        options = self.options.facts
        return {
            "files": [_identity(file) for file in self._files],
            "options": options | {name: list(options[name]) for name in ("missing", "text")},
            "settings": self.settings.model_dump(mode="json"),
        }

    @property
    def fingerprint(self) -> str:
        """Return a hash of the files' sizes and of samples of their bytes. Copies of the files have the same hash."""
        files = [[file["bytes"], file["sha256"]] for file in self.identity["files"]]
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()[:32]

    @property
    def _files(self) -> list[Path]:
        return list_parquet_files(self.path) or [Path(os.fsdecode(self.path))]


def _estimate_cells(path: Path) -> int:
    check_file(path)
    size = path.stat().st_size
    try:
        kind = detect_format(path)
        if kind == "parquet":
            with path.open("rb") as file:
                metadata = read_metadata(file)
            return _count_cells(metadata)
        if kind != "delimited":
            return size // 4
        with open_decompressed(path) as stream:
            sample = stream.read(HASHED_BYTES)
    except InputError:
        raise
    except DAMAGED_FILE_ERRORS as error:
        raise damaged_file_error(str(path), error) from None
    marks = sample.count(b"\n") + max(sample.count(mark.encode()) for mark in DELIMITERS)
    with path.open("rb") as file:
        plain = file.read(len(sample)) == sample
    return int(size * (1 if plain else COMPRESSION_RATIO) * marks // max(1, len(sample)))


def _count_cells(metadata: FileMetaData) -> int:
    """Return the number of cells of a Parquet file, in which each number of a vector counts as a cell."""
    nested = [n for n in range(metadata.num_columns) if metadata.schema.column(n).max_repetition_level]
    groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)] if nested else []
    flat = metadata.num_rows * (metadata.num_columns - len(nested))
    return int(flat + sum(group.column(n).num_values for group in groups for n in nested))


def _identity(path: Path) -> dict[str, Any]:
    check_file(path)
    known, digest = path.stat(), hashlib.sha256()
    with path.open("rb") as file:
        for start in np.linspace(0, max(0, known.st_size - HASHED_BYTES), HASHED_POSITIONS).astype(int).tolist():
            file.seek(start)
            digest.update(file.read(HASHED_BYTES if start in (0, known.st_size - HASHED_BYTES) else 2**16))
    return {"bytes": known.st_size, "changed": known.st_mtime_ns, "sha256": digest.hexdigest()}
