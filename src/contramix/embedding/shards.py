"""Write representations as a folder of Parquet files (shards), with one or several jobs that can be resumed."""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from contramix.embedding.stream import embed_rows, write_rows
from contramix.errors import InputError
from contramix.io.records import RecordChunks
from contramix.io.tables.chunks import list_parquet_files
from contramix.models.pretrained import Pretrained
from contramix.runtime import atomic_files

ROWS = 1 << 20
"""Number of rows per shard if the data are one file. It is a multiple of the chunk size, so that batches do not depend
on the shard at which a job begins."""
MANIFEST = "manifest.json"
"""Name of the file that describes all shards."""


class Shard(NamedTuple):
    """Describe one part file of a result: its name, and its range of data rows, ``start`` to ``stop`` (exclusive)."""

    name: str
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """Return the number of rows in the shard."""
        return self.stop - self.start


class ShardedOutput:
    """Divide the representations of a data set into shards (part files), find missing shards, and write them.

    Parameters
    ----------
    folder
        Folder of the shards. :meth:`begin` creates it.
    model
        Pre-trained model that computes the representations.
    path
        File or folder of the data.
    data
        Records read from ``path``, in chunks.
    keep
        Names of the columns to copy from the data to the shards.

    Attributes
    ----------
    shards
        All shards, whether written or not: one for each Parquet file if the data are a folder of them, else one for
        each :data:`ROWS` rows.
    manifest
        Content of ``manifest.json``: checksum of the model, name, size and modification time of each input file, names
        of the copied columns, and name and row range of each shard.
    """

    def __init__(self, folder: Path, model: Pretrained, path: Path, data: RecordChunks, keep: Sequence[str]) -> None:
        self.folder, self.path, self.keep, self._model, self._data = folder, path, list(keep), model, data
        files = list_parquet_files(path)
        many = len(files) == len(data.file_starts)
        bounds = data.file_starts if many else range(0, data.rows, ROWS)
        ends = pairwise([*bounds, data.rows])
        self.shards = [Shard(f"shard-{n:05d}.parquet", start, stop) for n, (start, stop) in enumerate(ends)]
        inputs = zip(files, (shard.rows for shard in self.shards), strict=True) if many else [(path, data.rows)]
        self.manifest: dict[str, Any] = {
            "format_version": 1,
            "model": model.facts["sha256"],
            "columns": model.encoder.width,
            "keep": self.keep,
            "inputs": [_facts(file, rows) for file, rows in inputs],
            "shards": [{"file": s.name, "first_row": s.start, "rows": s.rows} for s in self.shards],
        }

    def begin(self) -> None:
        """Create the folder and write its ``manifest.json``, or check the manifest that an earlier job has written.

        Raises
        ------
        InputError
            If the folder holds other files, or shards of other data or of another model.
        RunError
            If the disk is full.
        """
        path = self.folder / MANIFEST
        if path.is_file():
            self._compare(path)
            return
        try:
            self.folder.mkdir(exist_ok=True)
            other = [name for name in os.listdir(self.folder) if not name.startswith(atomic_files.TEMPORARY)]
        except OSError as error:
            raise atomic_files.unwritable(self.folder, 0, error) from error
        if other and not path.is_file():
            raise InputError(f"`out` {self.folder}: is not empty ({sorted(other)[0]}), and has no {MANIFEST}")
        atomic_files.write(path, json.dumps(self.manifest, indent=1) + "\n")

    def missing(self, part: str | None = None) -> list[Shard]:
        """Return the shards that have not been written yet.

        Parameters
        ----------
        part
            Which of the shards to consider: ``"2/8"`` means the second of eight nearly equal parts of the list
            :attr:`shards`. None: all shards.

        Raises
        ------
        InputError
            If ``part`` does not have this form.
        """
        first, last = 0, len(self.shards)
        if part is not None:
            found = re.fullmatch(r"(\d+)/(\d+)", part)
            which, of = (int(n) for n in found.groups()) if found else (0, 0)
            if not 1 <= which <= of:
                raise InputError(f"`shard` {part}: give a number of how many, from 1/{max(2, of)} on, such as 1/8")
            first, last = last * (which - 1) // of, last * which // of
        return [shard for shard in self.shards[first:last] if not (self.folder / shard.name).is_file()]

    def write(self, shards: Sequence[Shard], on_progress: Callable[[int], None] = lambda rows: None) -> None:
        """Compute the representations of shards, and write the shards one after the other.

        Parameters
        ----------
        shards
            Shards to write.
        on_progress
            Function that is called with the number of rows of each batch that has been computed.

        Raises
        ------
        InputError
            If a row cannot be read or embedded, or a file cannot be written. Complete shards stay in the folder.
        RunError
            If the disk is full. Complete shards stay in the folder.
        """
        for run in _runs(shards):
            embedded = embed_rows(self._model, self._data, run[0].start, run[-1].stop)
            for shard in run:
                out = self.folder / shard.name
                write_rows(out, self.keep, self._data, self._model.encoder.width, shard.rows, embedded, on_progress)

    def _compare(self, path: Path) -> None:
        """Check that the manifest that an earlier job has written at ``path`` equals that of this job.

        Raises
        ------
        InputError
            If the file is not JSON, or a value differs.
        """
        try:
            existing = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not JSON ({error}); give another `out`, or remove the folder") from error
        differs = [
            key for key, value in self.manifest.items() if not isinstance(existing, dict) or existing.get(key) != value
        ]
        if differs:
            raise InputError(
                f"`out` {self.folder}: holds shards of other data, columns or another model ({', '.join(differs)} "
                f"differ in {MANIFEST}); give another folder, or remove this one"
            )


def _facts(file: Path, rows: int) -> dict[str, Any]:
    """Return the name, size, modification time and number of rows of an input file, for the manifest."""
    status = file.stat()
    return {"file": file.name, "bytes": status.st_size, "modified_ns": status.st_mtime_ns, "rows": rows}


def _runs(shards: Sequence[Shard]) -> Iterator[list[Shard]]:
    """Group successive shards whose row ranges are adjacent in the data, and yield each group as a list.

    The rows of a group can be read in one pass.
    """
    run: list[Shard] = []
    for shard in shards:
        if run and run[-1].stop != shard.start:
            yield run
            run = []
        run.append(shard)
    if run:
        yield run
