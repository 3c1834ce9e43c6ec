"""Cache the rows of a table that does not fit into memory: float32 samples in a file in the run's folder.

``cache/rows.npy`` is memory-mapped. The operating system keeps as much of it in memory as fits. ``cache/cache.json`` is
written last, and marks the cache as complete. It holds the identity of the data and the specification that was learned
from them. A resumed run uses its cache again, unless the data have changed.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from contramix.domains.table.learning import OneHotFinder, TableLearner
from contramix.domains.table.spec import TableSpec
from contramix.domains.table.unread_table import UnreadTable
from contramix.errors import InputError
from contramix.io.records import RecordChunks
from contramix.runs.folder import check_space
from contramix.runtime import atomic_files
from contramix.runtime.randomness import Key
from contramix.samples.samples import StreamedSamples
from contramix.samples.shuffling import sample_rows
from contramix.training.reporter import SILENT, Reporter

FORMAT = 1
"""Version of the file format of caches."""
SAMPLE_CELLS = 2**23
"""Maximum number of table cells from which the quantiles of columns are computed (64 MB)."""
MAX_SAMPLED_ROWS = 2**17
"""Maximum number of table rows from which the quantiles of columns are computed."""


@dataclass(frozen=True)
class CachedTable:
    """Represent a table whose samples are read from a cache on disk.

    Parameters
    ----------
    spec
        Specification that was learned from the table.
    notes
        Notes for the user on reading the table and on columns that are left out.
    x
        Samples, which are read from the cache when they are indexed.
    names
        Names of the table's columns.
    labels
        Target values of the rows that were selected by the argument ``label_rows`` of :func:`open_cache`, in the order
        of that selection; None without a target.
    """

    spec: TableSpec
    notes: tuple[str, ...]
    x: StreamedSamples
    names: list[str]
    labels: pa.Array | None


@dataclass(frozen=True)
class CacheProgress:
    """Report the progress of writing a cache, and let the caller stop it.

    Parameters
    ----------
    reporter
        Receives a note on the cache, and the number of rows read or written so far.
    check
        Function that is called after each chunk of rows. It may raise an exception to stop.
    """

    reporter: Reporter = SILENT
    check: Callable[[], None] = lambda: None

    def iterate(self, chunks: RecordChunks, what: str) -> Iterator[tuple[int, pa.Table]]:
        """Yield a pair for each chunk of a table: the number of its first row, and the chunk. Report the progress.

        Parameters
        ----------
        chunks
            Table to read, chunk by chunk.
        what
            Name of the work in progress messages, such as ``"writing the cache"``.

        Raises
        ------
        InputError
            If the number of rows read is not ``chunks.rows``, because the data have changed.
        """
        done = 0
        for chunk in chunks:
            yield done, chunk
            done += chunk.num_rows
            self.reporter.progress(f"{what}: {done:,} of {chunks.rows:,} rows")
            self.check()
        if done != chunks.rows:
            raise InputError(f"the data have changed while they were read: {done:,} rows, and {chunks.rows:,} before")


def format_bytes(size: int) -> str:
    """Format a number of bytes for messages, in MB or GB.

    Examples
    --------
    >>> format_bytes(10_800_000_000), format_bytes(54_000)
    ('10.8 GB', '0.1 MB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def remove_cache(folder: Path) -> None:
    """Delete the cache in a run's folder, if there is one."""
    shutil.rmtree(folder / "cache", ignore_errors=True)


def open_cache(
    folder: Path, table: UnreadTable, target: str | None, label_rows: Callable[[int], Tensor], progress: CacheProgress
) -> CachedTable:
    """Open the cache of a table in a run's folder. Write it first if it does not exist or was made from other data.

    Parameters
    ----------
    folder
        Folder of the run, which must exist and be locked.
    table
        Table that has not been read yet.
    target
        Name of the label column, which is not an input; None: no labels are kept.
    label_rows
        Function that takes the number of rows of the table, and returns the indices of the rows whose labels are kept.
    progress
        Reports the number of rows read and written so far, and may stop the work.

    Raises
    ------
    InputError
        If the data cannot be read or used, or the disk has no space for the cache.
    RunError
        If the disk is full. The incomplete cache is removed then.
    """
    path = folder / "cache"
    made_of = {**table.identity, "target": target, "format": FORMAT, "contramix": version("contramix")}
    facts = _read_facts(path)
    if facts.get("made_of") != made_of:
        remove_cache(folder)
        try:
            facts = _write(path, table, target, made_of, label_rows, progress)
        except BaseException:
            remove_cache(folder)
            raise
    return _read(path, facts, target)


def read_cache(folder: Path) -> CachedTable:
    """Open the cache that another process has written into a run's folder. The result has no labels.

    Raises
    ------
    InputError
        If this process does not find a complete cache.
    """
    path = folder / "cache"
    facts = _read_facts(path)
    if not facts:
        raise InputError(
            f"{path}: not to be seen from this process; several machines need the run's folder on a disk that all "
            "see, or `cache='never'`"
        )
    return _read(path, facts, None)


def _read(path: Path, facts: dict[str, Any], target: str | None) -> CachedTable:
    """Open a complete cache in the folder ``path``. Samples are read from disk when they are indexed.

    ``facts`` is the content of cache.json. If ``target`` is None, no labels are loaded.
    """
    rows = torch.from_numpy(np.load(path / "rows.npy", mmap_mode="c"))
    x = StreamedSamples(tuple(facts["shape"]), torch.float32, lambda index: rows[index], facts["fingerprint"])
    spec, labels = TableSpec.model_validate_json(facts["spec"]), None
    if target is not None:
        with pa.ipc.open_file(path / "labels.arrow") as reader:
            labels = reader.read_all().column(0).combine_chunks()
    return CachedTable(spec, tuple(facts["notes"]), x, facts["names"], labels)


def _read_facts(path: Path) -> dict[str, Any]:
    """Return the content of a cache's cache.json, or an empty dictionary if the cache is incomplete or damaged."""
    try:
        facts: dict[str, Any] = json.loads((path / "cache.json").read_text(encoding="utf-8"))
        complete = (path / "rows.npy").stat().st_size == facts["bytes"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return facts if complete else {}


def _write(
    path: Path,
    table: UnreadTable,
    target: str | None,
    made_of: dict[str, Any],
    label_rows: Callable[[int], Tensor],
    progress: CacheProgress,
) -> dict[str, Any]:
    """Write the cache of a table to the folder ``path``, and return the content of its cache.json.

    A first pass over the table learns its specification, a second pass writes its samples. ``made_of`` is stored in
    cache.json. It identifies the files, settings and contramix version from which the cache is made, so that it can be
    compared with those of a later run. The other parameters are those of :func:`open_cache`.
    """
    chunks = table.read_chunks()
    spec, notes = _learn(chunks, table, target, progress)
    shape = (chunks.rows, len(spec.elements))
    size = 4 * shape[0] * shape[1]
    check_space(path.parent, size, "the rows that do not fit into memory")
    progress.reporter.note(
        f"{len(spec.columns)} columns x {chunks.rows:,} rows, {format_bytes(size)}: written once to {path} and read "
        "from there"
    )
    finder, digest = OneHotFinder(spec.columns), hashlib.sha256(repr(shape).encode())
    labeled_rows = label_rows(chunks.rows).numpy()
    labels: list[pa.Array] = []
    path.mkdir(exist_ok=True)
    with atomic_files.writing(path / "rows.npy", size) as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for before, chunk in progress.iterate(chunks, "writing the cache"):
            x = spec.tensorize(chunk, before).numpy()
            finder.update([x[:, at] for at in finder.elements])
            digest.update(x.data)
            file.write(x.data)
            if target is not None:
                in_chunk = np.sort(labeled_rows[(labeled_rows >= before) & (labeled_rows < before + len(x))]) - before
                labels.append(chunk.column(target).take(pa.array(in_chunk)).combine_chunks())
    if labels:
        sink, kept = pa.BufferOutputStream(), pa.concat_arrays(labels).take(pa.array(labeled_rows.argsort().argsort()))
        with pa.ipc.new_file(sink, pa.schema([("label", kept.type)])) as writer:
            writer.write_table(pa.table([kept], ["label"]))
        atomic_files.write(path / "labels.arrow", sink.getvalue().to_pybytes())
    facts = {
        "made_of": made_of,
        "bytes": (path / "rows.npy").stat().st_size,
        "shape": shape,
        "fingerprint": digest.hexdigest()[:32],
        "spec": spec.model_copy(update={"columns": finder.finish()}).model_dump_json(),
        "notes": [*chunks.notes, *notes],
        "names": chunks.schema.names,
    }
    atomic_files.write(path / "cache.json", json.dumps(facts))
    return facts


def _learn(
    chunks: RecordChunks, table: UnreadTable, target: str | None, progress: CacheProgress
) -> tuple[TableSpec, tuple[str, ...]]:
    """Learn the specification of a table chunk by chunk. Return it, and notes for the user on columns left out.

    If the table is large, quantiles of columns are computed from a random sample of its rows.
    """
    learner = TableLearner(chunks.schema, table.settings, target)
    max_rows = min(MAX_SAMPLED_ROWS, max(1, SAMPLE_CELLS // len(chunks.schema)))
    sampled = None if chunks.rows <= max_rows else np.sort(sample_rows(chunks.rows, max_rows, Key("columns")).numpy())
    for before, chunk in progress.iterate(chunks, "learning the columns"):
        start, stop = (0, 0) if sampled is None else np.searchsorted(sampled, [before, before + chunk.num_rows])
        learner.update(chunk, None if sampled is None else sampled[start:stop] - before)
    return TableSpec.from_learner(learner)
