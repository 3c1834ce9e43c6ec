"""A table that does not fit into memory, written once as float32 rows into the run's folder, and read from there.

``cache/rows.npy`` is mapped into memory, where the system keeps as much of it as there is room for and drops the rest.
``cache/cache.json`` is written last, so that what it tells of is whole: what the rows were made of, and the
specification that was learned on the way. A run that is resumed takes a cache as it is, unless the data have changed.
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
SAMPLE_CELLS = 2**23
"""Cells, at most, of the rows from which quantiles are taken: 64 MB."""
MOST_SAMPLED = 2**17


@dataclass(frozen=True)
class Cached:
    """The samples in a cache, and what was learned of them."""

    spec: TableSpec
    notes: tuple[str, ...]
    x: StreamedSamples
    names: list[str]
    """Of the table's columns."""
    labels: pa.Array | None
    """Of the rows that were asked for."""


@dataclass(frozen=True)
class Phases:
    """Who is to know how far the writing of a cache is.

    Parameters
    ----------
    reporter
        Receives a note on the cache, and how far reading and writing are.
    check
        Is called after each portion; it raises to stop.
    """

    reporter: Reporter = SILENT
    check: Callable[[], None] = lambda: None

    def over(self, found: RecordChunks, what: str) -> Iterator[tuple[int, pa.Table]]:
        """The portions, each with the number of rows before it."""
        done = 0
        for portion in found:
            yield done, portion
            done += portion.num_rows
            self.reporter.progress(f"{what}: {done:,} of {found.rows:,} rows")
            self.check()
        if done != found.rows:
            raise InputError(f"the data have changed while they were read: {done:,} rows, and {found.rows:,} before")


def in_bytes(size: int) -> str:
    """A size for people.

    Examples
    --------
    >>> in_bytes(10_800_000_000), in_bytes(54_000)
    ('10.8 GB', '0.1 MB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


def remove(folder: Path) -> None:
    """Remove a run's cache, if it has one."""
    shutil.rmtree(folder / "cache", ignore_errors=True)


def open_cache(
    folder: Path, table: UnreadTable, target: str | None, label_rows: Callable[[int], Tensor], phases: Phases
) -> Cached:
    """The cache of a table in a run's folder; it is written if it is not there, or is of other data.

    Parameters
    ----------
    folder
        The run's; it is there, and locked.
    table, target
        The data, and a column that is no input.
    label_rows
        Which rows' labels are kept, given how many rows there are.
    phases
        Who is to know how far it is.

    Raises
    ------
    InputError
        If the data cannot be read or learned from, or there is no room for the cache.
    RunError
        If the disk is full; nothing is left of the cache then.
    """
    place = folder / "cache"
    made_of = {**table.identity, "target": target, "format": FORMAT, "contramix": version("contramix")}
    facts = _facts(place)
    if facts.get("made_of") != made_of:
        remove(folder)
        try:
            facts = _write(place, table, target, made_of, label_rows, phases)
        except BaseException:
            remove(folder)
            raise
    return _opened(place, facts, target)


def find_cache(folder: Path) -> Cached:
    """The cache that another process has written; without labels.

    Raises
    ------
    InputError
        If it is not to be seen from here.
    """
    place = folder / "cache"
    facts = _facts(place)
    if not facts:
        raise InputError(
            f"{place}: not to be seen from this process; several machines need the run's folder on a disk that all "
            "see, or `cache='never'`"
        )
    return _opened(place, facts, None)


def _opened(place: Path, facts: dict[str, Any], target: str | None) -> Cached:
    rows = torch.from_numpy(np.load(place / "rows.npy", mmap_mode="c"))
    x = StreamedSamples(tuple(facts["shape"]), torch.float32, lambda index: rows[index], facts["fingerprint"])
    spec, labels = TableSpec.model_validate_json(facts["spec"]), None
    if target is not None:
        with pa.ipc.open_file(place / "labels.arrow") as reader:
            labels = reader.read_all().column(0).combine_chunks()
    return Cached(spec, tuple(facts["notes"]), x, facts["names"], labels)


def _facts(place: Path) -> dict[str, Any]:
    """What is told of a cache that is whole."""
    try:
        facts: dict[str, Any] = json.loads((place / "cache.json").read_text(encoding="utf-8"))
        whole = (place / "rows.npy").stat().st_size == facts["bytes"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return facts if whole else {}


def _write(
    place: Path,
    table: UnreadTable,
    target: str | None,
    made_of: dict[str, Any],
    label_rows: Callable[[int], Tensor],
    phases: Phases,
) -> dict[str, Any]:
    found = table.read_chunks()
    spec, notes = _learn(found, table, target, phases)
    shape = (found.rows, len(spec.elements))
    size = 4 * shape[0] * shape[1]
    check_space(place.parent, size, "the rows that do not fit into memory")
    phases.reporter.note(
        f"{len(spec.columns)} columns x {found.rows:,} rows, {in_bytes(size)}: written once to {place} and read "
        "from there"
    )
    finder, digest = OneHotFinder(spec.columns), hashlib.sha256(repr(shape).encode())
    wanted = label_rows(found.rows).numpy()
    labels: list[pa.Array] = []
    place.mkdir(exist_ok=True)
    with atomic_files.writing(place / "rows.npy", size) as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for before, portion in phases.over(found, "writing the cache"):
            x = spec.tensorize(portion, before).numpy()
            finder.update([x[:, at] for at in finder.elements])
            digest.update(x.data)
            file.write(x.data)
            if target is not None:
                mine = np.sort(wanted[(wanted >= before) & (wanted < before + len(x))]) - before
                labels.append(portion.column(target).take(pa.array(mine)).combine_chunks())
    if labels:
        sink, kept = pa.BufferOutputStream(), pa.concat_arrays(labels).take(pa.array(wanted.argsort().argsort()))
        with pa.ipc.new_file(sink, pa.schema([("label", kept.type)])) as writer:
            writer.write_table(pa.table([kept], ["label"]))
        atomic_files.write(place / "labels.arrow", sink.getvalue().to_pybytes())
    facts = {
        "made_of": made_of,
        "bytes": (place / "rows.npy").stat().st_size,
        "shape": shape,
        "fingerprint": digest.hexdigest()[:32],
        "spec": spec.model_copy(update={"columns": finder.finish()}).model_dump_json(),
        "notes": [*found.notes, *notes],
        "names": found.schema.names,
    }
    atomic_files.write(place / "cache.json", json.dumps(facts))
    return facts


def _learn(
    found: RecordChunks, table: UnreadTable, target: str | None, phases: Phases
) -> tuple[TableSpec, tuple[str, ...]]:
    learner = TableLearner(found.schema, table.settings, target)
    most = min(MOST_SAMPLED, max(1, SAMPLE_CELLS // len(found.schema)))
    sampled = None if found.rows <= most else np.sort(sample_rows(found.rows, most, Key("columns")).numpy())
    for before, portion in phases.over(found, "learning the columns"):
        start, stop = (0, 0) if sampled is None else np.searchsorted(sampled, [before, before + portion.num_rows])
        learner.update(portion, None if sampled is None else sampled[start:stop] - before)
    return TableSpec.from_learner(learner)
