"""Define how time series are read: the section ``series`` of a recipe."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contramix.settings import Settings

MAX_STEPS = 10_000_000
"""Maximum number of time steps of a sample."""


class SeriesSettings(Settings):
    """Configure how time series are read and normalized.

    Parameters
    ----------
    problem
        Name of the data set to read, such as ``OSULeaf``, if a folder or archive holds ``.ts`` files of several data
        sets.
    id
        Column of a table in long format, with one row per step, that identifies the series. Without it, a table is in
        wide format, with one row per series.
    time
        Column by which the steps of each series in a long table are sorted. By default they keep the order of the rows.
        It requires ``id``.
    steps
        Maximum number of steps of a sample. Longer series are truncated. ``"auto"``: the length of the longest
        training series.
    normalise
        ``"channel"``: normalize each channel by its mean and standard deviation over all training series. ``"each"``:
        normalize each channel of a series by its mean and standard deviation over that series, so that only its shape
        matters.
    """

    problem: str | None = None
    id: str | None = None
    time: str | None = None
    steps: Literal["auto"] | Annotated[int, Field(ge=1, le=MAX_STEPS)] = "auto"
    normalise: Literal["channel", "each"] = "channel"

    @model_validator(mode="after")
    def _check_time(self) -> "SeriesSettings":
        if self.time is not None and self.id is None:
            raise ValueError("time needs id, the column that identifies the series")
        return self
