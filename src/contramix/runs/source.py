"""Provide the records that a run trains on, from memory or from a cache in the run's folder."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from contramix.domains import DOMAINS
from contramix.domains.table.combined_columns import combined_columns
from contramix.domains.table.unread_table import UnreadTable
from contramix.errors import InputError
from contramix.io.options import ReadOptions
from contramix.io.records import Records
from contramix.models.pretraining import Fit, learn_spec
from contramix.models.reading import read
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
    """Collect what a run needs to start training.

    Parameters
    ----------
    fit
        Networks, optimizer and training samples.
    columns
        Names of the table's columns, including the target.
    labels
        Target values of all records. If the table is read from a cache: only of the records that are used to monitor
        training. None without a target.
    """

    fit: Fit
    columns: list[str]
    labels: pa.ChunkedArray | pa.Array | None


@dataclass(frozen=True)
class MemorySource:
    """Provide training records that are in memory.

    Parameters
    ----------
    table
        Records to train on, one per row.
    target
        Name of the label column, which is not an input. Its values are only used to monitor training.
    extra_rows
        Further records, from which statistics of the columns are learned too (transductive learning).
    records
        Complete data set from which ``table`` was taken, including other splits; None if there is none.
    notes
        Notes for the user: that only the training split is used, or which labels come with the data.
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
        """Create a source from the official training split of a data set, or from all records if there is none.

        Parameters
        ----------
        records
            Data set in memory.
        target
            Name of the label column; None: the labels that come with the data set, if there are any.
        extra_rows
            Further records, from which statistics of the columns are learned too.
        name
            Plural noun for the records, which is used in notes, such as ``"images"``.
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
        """Learn the specification of the records, and build the networks and the optimizer.

        If several processes train together, each one calls this method and waits for the others. ``folder`` is
        ignored.

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
        names = [name for field in self.table.schema for name in combined_columns(field) or (field.name,)]
        return Prepared(fit, names, labels)

    def fingerprint(self, prepared: Prepared | None) -> str:
        """Return a hash of the training samples. ``prepared`` is the result of :meth:`prepare`.

        Raises
        ------
        ValueError
            If ``prepared`` is None.
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
        Name of the label column, which is not an input. Its values are only used to monitor training.
    notes
        Notes for the user that are known before the table is read. By default there are none.
    """

    table: UnreadTable
    target: str | None = None
    notes: tuple[str, ...] = ()

    def prepare(
        self, folder: Path, recipe: Recipe, seed: int = 0, device: str = "auto", reporter: Reporter = SILENT
    ) -> Prepared:
        """Write the cache if the run's folder does not hold one for this table, and build networks and optimizer.

        If several processes train together, process 0 writes the cache. The other processes must call this method only
        after process 0 has returned from it.

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
        """Return a hash of the sizes and contents of the table's files. ``prepared`` is not used."""
        return self.table.fingerprint


Source = MemorySource | CachedSource
"""Source of a run's training records: memory, or a cache on disk."""


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
    """Open the training data of a run: read them into memory, or prepare to read a large table through a cache.

    If the data in memory have official splits, only the training split is used. If they come with labels, these are the
    target, unless another target is given.

    Parameters
    ----------
    data
        File or folder with data of the recipe's domain, such as images.
    recipe
        Recipe of the run.
    folder
        Folder of the run. If it holds a run, the data are read into memory or cached as in that run.
    target
        Name of the label column, which is not an input.
    transductive
        File or folder with further records, from which statistics of the columns are learned too.
    options
        Options for reading files, such as the delimiter; None: the defaults.
    cache
        ``"always"`` converts a table chunk by chunk to a file in the run's folder, and trains from that file;
        ``"never"`` reads the table into memory; ``"auto"`` reads it into memory if it fits.

    Raises
    ------
    InputError
        If the data cannot be read, or the value of ``cache`` is unknown or does not suit the run or the data.
    """
    domain, options = DOMAINS[recipe.source_domain], options or ReadOptions()
    if cache not in ("auto", "always", "never"):
        raise InputError(f"`cache` {cache!r}: give 'auto', 'always' or 'never'")
    large = None
    if cache != "never" and domain.unread_table is not None and not recipe.makes_vectors:
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
    records = read(recipe, data, options)
    extra_rows = read(recipe, transductive, options).table if transductive else None
    return MemorySource.from_records(records, target, extra_rows, domain.records)


def _is_cached(large: UnreadTable | None, cache: str, folder: Path, transductive: bool) -> bool:
    """Decide whether a run reads its rows from a cache.

    Parameters
    ----------
    large
        Table that could be cached; None if there is none.
    cache
        Choice of the user: ``"auto"``, ``"always"`` or ``"never"``. ``"auto"`` means: as in the run that the folder
        holds; without a run, a cache if the table does not fit into memory.
    folder
        Folder of the run.
    transductive
        Whether statistics are also learned from further records. A new run then uses no cache.

    Raises
    ------
    InputError
        If ``cache`` contradicts the run that the folder holds.
    """
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
