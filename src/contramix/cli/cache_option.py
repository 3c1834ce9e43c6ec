"""Whether a table is read into memory, or written to a cache in the run's folder first: the option ``--cache``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from contramix.errors import InputError

if TYPE_CHECKING:
    from contramix.domains.domain import Domain
    from contramix.domains.table.unread import UnreadTable
    from contramix.io.options import ReadOptions

ENOUGH = 0.7
"""Of the memory that is free, a table may take so much."""

Cache = Annotated[
    str,
    typer.Option(
        help="'always' reads a table portion by portion into a file in the run's folder, and trains from there; "
        "'never' reads it into memory; 'auto' does what fits."
    ),
]


def large_table(
    domain: "Domain[Any, Any]",
    data: Path,
    options: "ReadOptions",
    settings: Any,
    *,
    cache: str,
    run: Path,
    transductive: bool,
) -> "UnreadTable | None":
    """The table, not read yet, if it goes through a cache.

    Raises
    ------
    InputError
        For a value that ``--cache`` cannot have, or that does not go with the run or the data.
    """
    from contramix.runtime import distributed

    if cache not in ("auto", "always", "never"):
        raise InputError(f"--cache {cache!r}: give 'auto', 'always' or 'never'")
    large = None if cache == "never" else domain.large(data, options, settings)
    if cache == "always" and large is None:
        raise InputError(f"--cache always: {domain.records} need none, as they are read when they are asked for")
    if cache == "always" and transductive:
        raise InputError("--transductive: goes with tables in memory only; give --cache never")
    # One process decides, as machines differ in what is free, and the run's folder may be on the disk of one.
    cached = distributed.from_first(distributed.rank() == 0 and _is_cached(large, cache, run, transductive))
    return large if cached else None


def _is_cached(large: "UnreadTable | None", cache: str, run: Path, transductive: bool) -> bool:
    from contramix.runs.folder import was_cached
    from contramix.runtime.memory import available

    before = was_cached(run)
    if before is not None and cache == ("never" if before else "always"):
        # Statistics are summed up in another order, and large tables are shuffled otherwise.
        where = "from a cache" if before else "in memory"
        raise InputError(
            f"--cache {cache}: {run} holds a run on rows {where}; leave --cache out, or give another --out"
        )
    if large is None or cache == "always":
        return large is not None
    if before is not None or transductive:
        return bool(before)
    free = available()
    return free is not None and large.bytes_in_memory > ENOUGH * free
