"""The one form that all pictures of a data set get: how many channels, how high, how wide."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa

from contramix.domains.image.settings import ImageSettings

IMAGE = "image"
"""The column of images."""
LARGEST_AUTO = 96
"""Pictures of one size keep it up to this; a small encoder sees little more, and memory holds many of them."""
DEFAULT_SIZE = 64


class Form(NamedTuple):
    """Channels first, then rows, then columns."""

    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"{self.channels} x {self.height} x {self.width}"

    def on(self, table: pa.Table) -> pa.Table:
        """The table with the form noted at its column of images."""
        at, column = table.column_names.index(IMAGE), table.column(IMAGE)
        noted = {name: str(value) for name, value in self._asdict().items()}
        return table.set_column(at, pa.field(IMAGE, column.type, metadata=noted), column)

    @classmethod
    def of(cls, table: pa.Table) -> "Form | None":
        """The form that is noted at a table's column of images, if one is."""
        noted = table.schema.field(IMAGE).metadata or {}
        try:
            return cls(*(int(noted[name.encode()]) for name in cls._fields))
        except (KeyError, ValueError):
            return None


def choose(seen: Iterable[tuple[int, int, int]], settings: ImageSettings) -> tuple[Form, tuple[str, ...]]:
    """The form of pictures of such heights, widths and channels, with notes on what is done to them.

    Parameters
    ----------
    seen : iterable of (height, width, channels)
        One a picture.

    Examples
    --------
    >>> choose([(28, 28, 1), (28, 28, 1)], ImageSettings())
    (Form(channels=1, height=28, width=28), ())
    """
    counts = Counter(seen)
    if not counts:
        return Form(3, DEFAULT_SIZE, DEFAULT_SIZE), ()
    sizes = {(height, width) for height, width, _ in counts}
    greys = sum(count for (_, _, channels), count in counts.items() if channels == 1)
    total = counts.total()
    notes = []
    if settings.channels != "auto":
        channels = settings.channels
    else:
        channels = 1 if greys == total else 3
        if 0 < greys < total:
            notes.append(f"{greys:,} of {total:,} images are grey: all become RGB (image.channels = 1: all grey)")
    if settings.size != "auto":
        height = width = settings.size
    elif len(sizes) == 1 and max(max(sizes)) <= LARGEST_AUTO:
        ((height, width),) = sizes
    else:
        height = width = DEFAULT_SIZE
        kinds = f"{len(sizes):,} sizes" if len(sizes) > 1 else "{} x {} pixels".format(*max(sizes))
        notes.append(
            f"images of {kinds}: resized to {height} x {width}, what is longer loses its ends "
            "(image.size = 96, say, sets another size)"
        )
    return Form(channels, height, width), tuple(notes)
