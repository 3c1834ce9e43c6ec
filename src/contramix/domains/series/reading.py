"""Read time series from ``.ts`` files, npy and npz files, and tables."""

import os

from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.spec import SeriesSpec
from contramix.domains.series.tables import from_table
from contramix.domains.series.ucr_archive import ENDINGS, read_data_set
from contramix.domains.series.values import arrays_to_records
from contramix.errors import InputError, printable
from contramix.io.media.archives import is_archive
from contramix.io.media.array_files import ENDINGS as ARRAYS
from contramix.io.media.array_files import read_arrays
from contramix.io.media.listing import NothingFoundError, list_media_files
from contramix.io.options import ReadOptions
from contramix.io.records import Records
from contramix.io.tables.reading import read as read_table

_ARRAY_NAMES = ("x", "series", "data")
"""Names of arrays of series in an npz file, in order of preference."""


def read(
    path: str | os.PathLike[str], options: ReadOptions, settings: SeriesSettings, fitted_spec: SeriesSpec | None = None
) -> Records:
    """Read time series into a table with the column ``series``.

    The columns ``file``, ``label`` and ``part`` (official split) are added if the data provide them.

    Parameters
    ----------
    path
        A ``.ts`` file; a folder or an archive of such files; an npy or npz file; or a table with one row per step (long
        format) or one row per series (wide format).
    options
        How files are read. ``on_bad_files`` says whether unusable series are skipped or are an error. A series is
        unusable if it has no steps, or a channel without values.
    settings
        A table is in long format if ``id`` is set. ``problem`` names the data set to read from a folder that holds
        ``.ts`` files of several data sets.
    fitted_spec
        The specification of a trained model. If given, series are made from the same columns of a table as in training.

    Raises
    ------
    InputError
        If the path holds no series, or a file is damaged.
    """
    place = os.fsdecode(path)
    lower = place.lower()
    is_file = os.path.isfile(place)
    if is_file and lower.endswith(ARRAYS):
        parts, notes = read_arrays(place, _ARRAY_NAMES, "series")
        return arrays_to_records(parts, options, notes)
    if is_file and not lower.endswith(ENDINGS) and not is_archive(place):
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
    return read_data_set(found, options, settings.problem, trained=fitted_spec is not None)
