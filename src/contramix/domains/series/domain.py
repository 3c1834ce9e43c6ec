"""Time series: one or several channels over time, of one length or of many."""

import os
from typing import Any

import pyarrow as pa

from contramix.domains.domain import Domain
from contramix.domains.series.column import SERIES
from contramix.domains.series.describe import describe
from contramix.domains.series.reading import read
from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.spec import SeriesSpec
from contramix.domains.series.ucr_archive import ENDINGS
from contramix.domains.series.values import claims_values, from_values
from contramix.io.media.recognition import contains_files
from contramix.io.options import ReadOptions
from contramix.io.records import Records


class TimeSeries(Domain[SeriesSettings, SeriesSpec]):
    """Series from files, archives, tables and arrays."""

    spec = SeriesSpec
    records = "series"
    baselines = ("raw", "pca", "untrained", "trees", "rocket", "gaussian", "supervised")
    content = SERIES

    def claims(self, path: str | os.PathLike[str]) -> bool:
        """``.ts`` files, folders and archives of them; of a table one must be told that it holds series."""
        return contains_files(path, ENDINGS, ())

    def claims_values(self, values: Any) -> bool:
        """Arrays of three axes, and lists of arrays that are no table."""
        return claims_values(values)

    def read(
        self,
        path: str | os.PathLike[str],
        options: ReadOptions,
        settings: SeriesSettings,
        like: SeriesSpec | None = None,
    ) -> Records:
        """Read a folder, an archive or a file."""
        return read(path, options, settings, like)

    def describe(
        self, table: pa.Table, settings: SeriesSettings, target: str | None = None, also: pa.Table | None = None
    ) -> tuple[SeriesSpec, tuple[str, ...]]:
        """Learn length, mean and deviation of the channels."""
        return describe(table, settings, target, also)

    def from_values(self, values: Any, settings: SeriesSettings, like: SeriesSpec | None = None) -> Records:
        """Arrays, lists of arrays, and frames."""
        return from_values(values, settings, like)
