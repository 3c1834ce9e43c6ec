"""How time series are read: the recipe's section ``series``."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contramix.settings import Settings

MOST_STEPS = 10_000_000


class SeriesSettings(Settings):
    """How time series are read.

    Parameters
    ----------
    problem
        Of a folder or an archive with several problems in ``.ts`` files: the one to read, such as ``OSULeaf``.
    id, time
        Of a long table, which has a row a step: the column that says which series a row belongs to, and the one by
        which its rows are ordered (left out: as they stand). Without ``id`` a table has a row a series.
    steps
        Of longer series the start is used. ``"auto"``: as many as the longest training series has.
    normalise
        ``"channel"``: by mean and standard deviation of each channel over all training series. ``"each"``: each series
        by those of its own channels, so that only shapes are compared.
    """

    problem: str | None = None
    id: str | None = None
    time: str | None = None
    steps: Literal["auto"] | Annotated[int, Field(ge=1, le=MOST_STEPS)] = "auto"
    normalise: Literal["channel", "each"] = "channel"

    @model_validator(mode="after")
    def _whose_time(self) -> "SeriesSettings":
        if self.time is not None and self.id is None:
            raise ValueError("time needs id: the column that says which series a row belongs to")
        return self
