"""Choose one size and number of channels for all images of a data set, and store it with them."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa

from contramix.domains.content_column import ContentColumn
from contramix.domains.image.settings import ImageSettings
from contramix.io.media.encoded_records import ENCODED

IMAGE = "image"
"""The name of the column of images."""
MAX_AUTO_SIZE = 96
"""Maximum side of images that keep their size: a small encoder gains little from more, and memory holds fewer."""
DEFAULT_SIZE = 64
"""Side of images that are resized and for which no size is set."""


def _is_images(column_type: pa.DataType) -> bool:
    if not isinstance(column_type, pa.FixedShapeTensorType):
        return bool(column_type == ENCODED)
    return column_type.value_type == pa.uint8() and len(column_type.shape) == 3


CONTENT = ContentColumn(
    IMAGE, records="images", accepts=_is_images, advice="read image files, or give arrays of images"
)


class ImageSize(NamedTuple):
    """Hold the number of channels, the height and the width of images."""

    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.channels} x {self.height} x {self.width}"

    def annotate(self, table: pa.Table) -> pa.Table:
        """Return a copy of the table with this size stored in the metadata of its ``image`` column."""
        return CONTENT.annotate(table, {name: str(value) for name, value in self._asdict().items()})

    @classmethod
    def of(cls, table: pa.Table) -> "ImageSize | None":
        """Return the size that is stored in the metadata of a table's ``image`` column; None if there is none."""
        metadata = CONTENT.metadata(table)
        try:
            return cls(*(int(metadata[name]) for name in cls._fields))
        except (KeyError, ValueError):
            return None


def choose_size(images: Iterable[tuple[int, int, int]], settings: ImageSettings) -> tuple[ImageSize, tuple[str, ...]]:
    """Choose the size and the number of channels to which all images of a data set are converted.

    Parameters
    ----------
    images : iterable of (height, width, channels)
        One entry per image. It may be empty if the settings state both.
    settings
        Size and number of channels, or ``"auto"``.

    Returns
    -------
    size, notes
        The image size, and one-line messages for the user on how images are converted.

    Examples
    --------
    >>> choose_size([(28, 28, 1), (28, 28, 1)], ImageSettings())
    (ImageSize(channels=1, height=28, width=28), ())
    """
    counts = Counter(images)
    if not counts:
        side = DEFAULT_SIZE if settings.size == "auto" else settings.size
        return ImageSize(3 if settings.channels == "auto" else settings.channels, side, side), ()
    sizes = {(height, width) for height, width, _ in counts}
    gray = sum(count for (_, _, channels), count in counts.items() if channels == 1)
    total = counts.total()
    notes = []
    if settings.channels != "auto":
        channels = settings.channels
    else:
        channels = 1 if gray == total else 3
        if 0 < gray < total:
            notes.append(
                f"{gray:,} of {total:,} images are grayscale and are converted to RGB "
                "(image.channels = 1 converts all to grayscale)"
            )
    if settings.size != "auto":
        height = width = settings.size
    elif len(sizes) == 1 and max(max(sizes)) <= MAX_AUTO_SIZE:
        ((height, width),) = sizes
    else:
        height = width = DEFAULT_SIZE
        kinds = f"{len(sizes):,} sizes" if len(sizes) > 1 else "{} x {} pixels".format(*max(sizes))
        notes.append(
            f"images of {kinds} are resized to {height} x {width} and cropped to their center "
            "(image.size = 96, say, sets another size)"
        )
    return ImageSize(channels, height, width), tuple(notes)
