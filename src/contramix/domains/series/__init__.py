"""Define the domain of time series: read files, tables and arrays of series, and convert them to samples."""

from contramix.domains.domain import Domain
from contramix.domains.series.column import CONTENT
from contramix.domains.series.reading import read
from contramix.domains.series.settings import SeriesSettings
from contramix.domains.series.spec import SeriesSpec
from contramix.domains.series.ucr_archive import ENDINGS
from contramix.domains.series.values import from_values, recognizes_values
from contramix.io.media.recognition import contains_files

DOMAIN = Domain(
    records="series",
    settings=SeriesSettings,
    spec=SeriesSpec,
    baselines=("chance", "raw", "pca", "untrained", "trees", "forest", "blend", "rocket"),
    recognizes=lambda path: contains_files(path, ENDINGS, ()),
    recognizes_values=recognizes_values,
    read=read,
    from_values=from_values,
    content=CONTENT,
)
"""Domain of time series with one or several channels, of equal or different lengths.

Series in a table are not recognized; users set ``domain`` to ``series``.
"""
