"""Images: pictures of one size, in bytes."""

import os
from typing import Any

import pyarrow as pa

from contramix.domains.domain import Domain
from contramix.domains.image.describe import describe
from contramix.domains.image.reading import read
from contramix.domains.image.recognition import claims, claims_values
from contramix.domains.image.settings import ImageSettings
from contramix.domains.image.size import IMAGE
from contramix.domains.image.spec import ImageSpec
from contramix.domains.image.values import from_values
from contramix.io.options import ReadOptions
from contramix.io.records import Records


class Images(Domain[ImageSettings, ImageSpec]):
    """Images from files, archives and arrays."""

    spec = ImageSpec
    records = "images"
    baselines = ("raw", "pca", "untrained", "trees", "gaussian", "supervised")
    content = IMAGE

    def claims(self, path: str | os.PathLike[str]) -> bool:
        """Files with an image's ending, folders and archives of them, IDX, CIFAR, and tables and arrays of images."""
        return claims(path)

    def claims_values(self, values: Any) -> bool:
        """Arrays of four axes, or three of bytes; Pillow's images; lists of image files; tables of images."""
        return claims_values(values)

    def read(
        self,
        path: str | os.PathLike[str],
        options: ReadOptions,
        settings: ImageSettings,
        like: ImageSpec | None = None,
    ) -> Records:
        """Read a folder, an archive or a file."""
        return read(path, options, settings, like)

    def describe(
        self, table: pa.Table, settings: ImageSettings, target: str | None = None, also: pa.Table | None = None
    ) -> tuple[ImageSpec, tuple[str, ...]]:
        """Learn mean and deviation of the channels."""
        return describe(table, settings, target, also)

    def from_values(self, values: Any, settings: ImageSettings, like: ImageSpec | None = None) -> Records:
        """Arrays, Pillow's images and lists of files."""
        return from_values(values, settings, like)
