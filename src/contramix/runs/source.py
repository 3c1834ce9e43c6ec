"""Provide the records of a run, from memory or from a cache in the run's folder."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from contramix.domains import DOMAINS
from contramix.domains.table.unread_table import UnreadTable
from contramix.errors import InputError
from contramix.io.options import ReadOptions
from contramix.io.records import Records
from contramix.models.pretraining import Fit, learn_spec
from contramix.monitoring.health import monitored_rows
from contramix.recipe import Recipe
from contramix.runs import table_cache
from contramix.runs.folder import uses_cache
from contramix.runtime import distributed, memory
from contramix.runtime.signals import Interrupted, signals
from contramix.training.reporter import SILENT, Reporter

MAX_MEMORY_SHARE = 0.7
"""Largest share of the free memory that a table may take when it is read into memory; training needs the rest."""


@dataclass(frozen=True)
class Prepared:
    """Hold networks that are ready to be trained on a source's records, and facts on these records."""

    fit: Fit
    columns: list[str]
    """Names of the table's columns, including the target."""
    labels: pa.ChunkedArray | pa.Array | None
    """Target values of all records, or of the monitored ones if the records are cached; None without a target."""


@dataclass(frozen=True)
class MemorySource:
    """Provide records that are in memory.

    Parameters
    ----------
    table
        Records to train on, one a row.
    target
        Column that is not an input. Its values are used to monitor training only.
    extra_rows
        Further records, from which statistics of the columns are learned too (a transductive protocol).
    records
        What the table was taken from, with notes of the reader.
    notes
        What was decided when the table was taken from the records.
    """

    table: pa.Table
    target: str | None = None
    extra_rows: pa.Table | None = None
    records: Records | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def from_records(
        cls, records: Records, target: str | None = None, extra_rows: pa.Table | None = None, name: str = "records"
    ) -> "MemorySource":
        """Take the official training split, and the labels that the data carry as target unless another one is given.

        Parameters
        ----------
        records
            What was read. Without an official split all of it is used.
        target, extra_rows
            See :class:`MemorySource`.
        name
            What the notes call the records: rows, images, clips.
        """
        notes, training = [], records.training
        if records.splits:
            notes.append(
                f"official parts: pre-training sees the {training.num_rows:,} {name} of the training part, of "
                f"{records.table.num_rows:,}"
            )
        if target is None and records.target is not None:
            target = records.target
            classes = pc.count_distinct(records.table.column(target)).as_py()
            notes.append(f"the data carry labels ({classes:,} classes), which are no input")
        return cls(training, target, extra_rows, records, tuple(notes))

    def prepare(
        self, folder: Path, recipe: Recipe, seed: int = 0, device: str = "auto", reporter: Reporter = SILENT
    ) -> Prepared:
        """Learn the specification of the records, and build the networks. Nothing is written to the folder.

        All processes of a run call this, and continue when all of them are done.

        Raises
        ------
        InputError
            If the records or the recipe are wrong.
        """
        spec, notes = learn_spec(self.table, recipe, self.target, self.extra_rows)
        for note in notes:
            reporter.note(note)
        fit = Fit.begin(recipe, spec, spec.tensorize(self.table), seed, device)
        distributed.barrier()
        labels = None if self.target is None else self.table.column(self.target)
        return Prepared(fit, self.table.column_names, labels)

    def fingerprint(self, prepared: Prepared | None) -> str:
        """Return the fingerprint of the samples, which must have been prepared.

        Raises
        ------
        ValueError
            If they have not been prepared.
        """
        if prepared is None:
            raise ValueError("the records must be prepared first")
        return prepared.fit.fingerprint


@dataclass(frozen=True)
class CachedSource:
    """Provide the rows of a table that does not fit into memory, from a cache in the run's folder.

    Parameters
    ----------
    table
        Table that has not been read yet.
    target
        Column that is not an input. Its values are used to monitor training only.
    """

    table: UnreadTable
    target: str | None = None
    notes: tuple[str, ...] = ()
    """Nothing is decided before the table is read."""

    def prepare(
        self, folder: Path, recipe: Recipe, seed: int = 0, device: str = "auto", reporter: Reporter = SILENT
    ) -> Prepared:
        """Write the cache unless the folder holds one of the same table, and build the networks.

        Of several processes, the first one writes the cache; the others may call this afterwards only.

        Raises
        ------
        InputError
            If the table or the recipe is wrong, or the disk has no space for the cache.
        RunError
            If the disk is full. The incomplete cache is removed then.
        Interrupted
            On SIGINT and SIGTERM.
        """
        if distributed.rank() > 0:
            cached = table_cache.read_cache(folder)
        else:
            with signals() as signalled:

                def stop_if_signalled() -> None:
                    if signalled:
                        raise Interrupted(signalled[0], folder)

                progress = table_cache.CacheProgress(reporter, stop_if_signalled)
                cached = table_cache.open_cache(
                    folder, self.table, self.target, lambda rows: monitored_rows(rows, seed), progress
                )
        for note in cached.notes:
            reporter.note(note)
        fit = Fit.begin(recipe, cached.spec, cached.x, seed, device)
        return Prepared(fit, cached.names, cached.labels)

    def fingerprint(self, prepared: Prepared | None) -> str:
        """Return the fingerprint of the table's files, whether or not it has been prepared."""
        return self.table.fingerprint


Source = MemorySource | CachedSource
"""Where the records of a run come from."""


def open_source(
    data: Path,
    recipe: Recipe,
    folder: Path,
    *,
    target: str | None = None,
    transductive: Path | None = None,
    options: ReadOptions | None = None,
    cache: str = "auto",
) -> Source:
    """Read the data of a run, or leave a table unread that goes through a cache.

    Of data with official splits, the training split is taken. Labels that the data carry are the target, unless
    another one is given.

    Parameters
    ----------
    data
        File or folder of the recipe's domain.
    recipe
        Recipe of the run.
    folder
        Folder of the run. If it holds an unfinished run, the choice between memory and cache is that run's.
    target
        Column that is not an input.
    transductive
        File or folder with further records, from which statistics of the columns are learned too.
    options
        How to read the data.
    cache
        ``"always"`` reads a table in chunks into a file in the run's folder, and trains from there; ``"never"`` reads
        it into memory; ``"auto"`` reads it into memory if it fits.

    Raises
    ------
    InputError
        If the data cannot be read, or a value of ``cache`` does not exist or does not suit the run or the data.
    """
    domain, options = DOMAINS[recipe.domain], options or ReadOptions()
    if cache not in ("auto", "always", "never"):
        raise InputError(f"`cache` {cache!r}: give 'auto', 'always' or 'never'")
    large = None
    if cache != "never" and domain.unread_table is not None:
        large = domain.unread_table(data, options, recipe.data)
    if cache == "always" and large is None:
        raise InputError(f"`cache='always'`: {domain.records} need none, as they are read when they are asked for")
    if cache == "always" and transductive:
        raise InputError("`transductive`: goes with tables in memory only; give `cache='never'`")
    # One process decides, because machines differ in their free memory, and only one of them may see the run's folder.
    cached = distributed.broadcast_object(
        distributed.rank() == 0 and _is_cached(large, cache, folder, bool(transductive))
    )
    if large is not None and cached:
        return CachedSource(large, target)
    records = domain.read(data, options, recipe.data)
    extra_rows = domain.read(transductive, options, recipe.data).table if transductive else None
    return MemorySource.from_records(records, target, extra_rows, domain.records)


def _is_cached(large: UnreadTable | None, cache: str, folder: Path, transductive: bool) -> bool:
    """Return whether a run reads its rows from a cache; a run that was begun goes on as before."""
    before = uses_cache(folder)
    if before is not None and cache == ("never" if before else "always"):
        # Statistics are summed in another order, and large tables are shuffled in another way.
        where = "from a cache" if before else "in memory"
        raise InputError(
            f"`cache` {cache}: {folder} holds a run on rows {where}; leave `cache` out, or give another `out`"
        )
    if large is None or cache == "always":
        return large is not None
    if before is not None or transductive:
        return bool(before)
    free = memory.available()
    return free is not None and large.bytes_in_memory > MAX_MEMORY_SHARE * free
