"""Read series: ``.ts`` files, npy and npz, and tables."""

import os

from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.spec import SeriesSpec
from contramix.domains.series.tables import from_table
from contramix.domains.series.ucr_archive import ENDINGS, read_problem
from contramix.domains.series.values import of_arrays
from contramix.errors import InputError, printable
from contramix.io.media.archives import is_archive
from contramix.io.media.array_files import ENDINGS as ARRAYS
from contramix.io.media.array_files import read_arrays
from contramix.io.media.listing import NothingFoundError, list_media_files
from contramix.io.options import ReadOptions
from contramix.io.records import Records
from contramix.io.tables.reading import read as read_table

_CALLED = ("x", "series", "data")


def read(
    path: str | os.PathLike[str], options: ReadOptions, settings: SeriesSettings, fitted_spec: SeriesSpec | None = None
) -> Records:
    """Read series as rows of a table: ``series``, and ``file``, ``label`` and ``part`` where the data say them.

    Parameters
    ----------
    path
        A ``.ts`` file; a folder or an archive of them; an npy or npz file; any table, long or wide.
    options
        ``on_bad_files`` says what to do with series that cannot be used.
    settings, like
        How to read them; a trained model's columns hold.

    Raises
    ------
    InputError
        There are no series, or they are damaged.
    """
    place = os.fsdecode(path)
    lower = place.lower()
    alone = os.path.isfile(place)
    if alone and lower.endswith(ARRAYS):
        parts, notes = read_arrays(place, _CALLED, "series")
        return of_arrays(parts, options, notes)
    if alone and not lower.endswith(ENDINGS) and not is_archive(place):
        table = read_table(path, options)
        reading = from_table(table.table, printable(place), options, settings, fitted_spec)
        return Records(reading.table, (*table.notes, *reading.notes), bad_files=reading.bad_files)
    try:
        found = list_media_files(place, ENDINGS)
    except NothingFoundError:
        raise InputError(
            f"{printable(place)}: holds no series: give .ts files, or name one table, npy or npz file of them"
        ) from None
    for bad in found.bad_files:
        raise InputError(f"{found.source}: {bad.file}: {bad.reason}")
    return read_problem(found, options, settings.problem, trained=fitted_spec is not None)
