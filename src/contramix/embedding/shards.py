"""Representations in shards: a folder of Parquet files that a stopped job, or many at a time, go on to fill."""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from contramix.embedding.stream import representations, write_rows
from contramix.errors import InputError
from contramix.io.records import RecordChunks
from contramix.io.tables.chunks import list_parquet_files
from contramix.models.pretrained import Pretrained
from contramix.runtime import atomic_files

ROWS = 1 << 20
"""Rows of a shard, where the data are one file; portions fit into it, so that a row's neighbours in a batch are the
same whichever shard is made first."""
MANIFEST = "manifest.json"


class Shard(NamedTuple):
    """One file of the result: its name, and from which row up to which it goes."""

    name: str
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.stop - self.start


class Sharded:
    """A folder that is filled with representations: which shards there are to be, and which are missing.

    Parameters
    ----------
    folder
        Where the shards go. It is made by `begin`.
    model, path, data
        The model, and what it is given: a file or a folder, and its portions.
    keep
        Columns to carry over.

    Attributes
    ----------
    shards
        All of them: one for each file of a folder, or for some million rows of one file.
    manifest
        What stands in ``manifest.json``: the model's checksum, what each input is told by, and the shards.
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
        """Make the folder and write its manifest, unless that has been done.

        Raises
        ------
        InputError
            If it is a folder of something else, or of shards of other data or another model.
        RunError
            If there is no space.
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
        """The shards that are not there, of all or of a part, such as ``2/8``: the second eighth.

        Raises
        ------
        InputError
            If there is no such part.
        """
        first, last = 0, len(self.shards)
        if part is not None:
            found = re.fullmatch(r"(\d+)/(\d+)", part)
            which, of = (int(n) for n in found.groups()) if found else (0, 0)
            if not 1 <= which <= of:
                raise InputError(f"`shard` {part}: give a number of how many, from 1/{max(2, of)} on, such as 1/8")
            first, last = last * (which - 1) // of, last * which // of
        return [shard for shard in self.shards[first:last] if not (self.folder / shard.name).is_file()]

    def write(self, shards: Sequence[Shard], told: Callable[[int], None] = lambda rows: None) -> None:
        """Make these shards, in order.

        Raises
        ------
        InputError, RunError
            If a row cannot be read or embedded, or there is no space; shards that are there stay.
        """
        for run in _runs(shards):
            found = representations(self._model, self._data, run[0].start, run[-1].stop)
            for shard in run:
                out = self.folder / shard.name
                write_rows(out, self.keep, self._data, self._model.encoder.width, shard.rows, found, told)

    def _compare(self, path: Path) -> None:
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not JSON ({error}); give another `out`, or remove the folder") from error
        differs = [
            key for key, value in self.manifest.items() if not isinstance(there, dict) or there.get(key) != value
        ]
        if differs:
            raise InputError(
                f"`out` {self.folder}: holds shards of other data, columns or another model ({', '.join(differs)} "
                f"differ in {MANIFEST}); give another folder, or remove this one"
            )


def _facts(file: Path, rows: int) -> dict[str, Any]:
    """What a file is told by: if it changes, so does one of these."""
    status = file.stat()
    return {"file": file.name, "bytes": status.st_size, "modified_ns": status.st_mtime_ns, "rows": rows}


def _runs(shards: Sequence[Shard]) -> Iterator[list[Shard]]:
    """Shards that follow each other, together: their rows are gone through once."""
    run: list[Shard] = []
    for shard in shards:
        if run and run[-1].stop != shard.start:
            yield run
            run = []
        run.append(shard)
    if run:
        yield run
