"""The kinds of column a table may have: what is learned of each, and how its values become numbers.

Every kind turns an Arrow array into float32 elements of a row, and says what its elements are, so that typed
mixing can treat them rightly. All of it is JSON.
"""

from abc import abstractmethod
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Float64
from numpy import ndarray
from pydantic import Field

from contramix.domains.table.canonical import in_words
from contramix.errors import InputError
from contramix.settings import Settings

UNKNOWN, MISSING, FIRST_LEVEL = 0, 1, 2
"""Codes of an embedded column: a level never (or once) seen, no value, and the first level."""


class Element(NamedTuple):
    """One number of a row: what it is, and its range among the training rows."""

    role: Literal["quantity", "level", "flag", "code"]
    low: float = 0.0
    high: float = 1.0


class Column(Settings):
    """One column of the input."""

    name: str
    missing: bool = False
    """Whether the training rows had missing values: then an element says where."""

    @property
    @abstractmethod
    def elements(self) -> list[Element]:
        """What the column becomes."""

    @property
    def blend(self) -> bool:
        """Whether two of its values may be averaged."""
        return False

    @property
    def missing_at(self) -> int:
        """Which of its elements is 1 where there is no value; -1 for none."""
        return len(self.elements) - 1 if self.missing else -1

    @abstractmethod
    def encode(self, values: pa.Array, infinite: str) -> Float32[ndarray, " n width"]:
        """Values to elements.

        Raises
        ------
        InputError
            If the column's kind is not what it was, or a value cannot be a number.
        """

    def _changed(self, values: pa.Array, was: str) -> InputError:
        example = next((v for v in values.slice(0, 1000).to_pylist() if v is not None), None)
        return InputError(
            f"column {self.name!r} was {was} when the model was trained and is {in_words(values.type)} now "
            f"(for example {example!r})"
        )


def quantities(column: Column, values: pa.Array, was: str, infinite: str) -> Float64[ndarray, " n"]:
    """Numbers in float64, NaN where there is none.

    Raises
    ------
    InputError
        If they are no numbers, or infinite where that is an error.
    """
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        if not pa.types.is_null(kind) and values.null_count < len(values):
            raise column._changed(values, was)
        return np.full(len(values), np.nan)
    numbers = values.cast(pa.uint8()) if pa.types.is_boolean(kind) else values
    out = np.array(numbers.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    bad = np.isinf(out)
    if bad.any():
        if infinite == "error":
            row = int(bad.argmax())
            raise InputError(
                f"column {column.name!r}, row {row + 1}: infinite value ({int(bad.sum())} in all); "
                "mend the data, or set table.infinite = 'missing'"
            )
        out[bad] = np.nan
    return out


def _with_flag(parts: list[ndarray], absent: ndarray, missing: bool) -> Float32[ndarray, " n width"]:
    return np.stack([*parts, *([absent] if missing else [])], axis=1).astype(np.float32)


class Numeric(Column):
    """A quantity: standard score, or normal quantiles. A missing value becomes the mean."""

    kind: Literal["numeric"] = "numeric"
    mean: float
    scale: float
    low: float
    high: float
    quantiles: tuple[float, ...] = ()
    """Training values at equal steps of probability, for ``table.numeric = "quantile"``."""

    @property
    def elements(self) -> list[Element]:
        return [Element("quantity", self.low, self.high), *([Element("flag")] if self.missing else [])]

    @property
    def blend(self) -> bool:
        return True

    def encode(self, values: pa.Array, infinite: str) -> Float32[ndarray, " n width"]:
        numbers = quantities(self, values, "numeric", infinite)
        absent = np.isnan(numbers)
        with np.errstate(over="ignore"):
            score = self.score(numbers).astype(np.float32)
        if np.isinf(score).any():
            row = int(np.isinf(score).argmax())
            raise InputError(
                f"column {self.name!r}, row {row + 1}: {numbers[row]:g} is too large beside the training values "
                f"(mean {self.mean:g}, standard deviation {self.scale:g})"
            )
        return _with_flag([np.where(absent, np.float32(0), score)], absent, self.missing)

    def score(self, numbers: Float64[ndarray, " n"]) -> Float64[ndarray, " n"]:
        """The standardised values; NaN stays NaN."""
        if self.quantiles:
            return normal_quantile(numbers, self.quantiles)
        return (numbers - self.mean) / self.scale


def normal_quantile(numbers: Float64[ndarray, " n"], quantiles: tuple[float, ...]) -> Float64[ndarray, " n"]:
    """Where a value stands among the training values, as a normal score within +-3.3 or so."""
    from scipy.special import ndtri

    grid = np.linspace(0, 1, len(quantiles))
    at = np.asarray(quantiles)
    # The mean of the interpolation from both sides puts a repeated value in the middle of its share.
    up, down = np.interp(numbers, at, grid), 1 - np.interp(-numbers, -at[::-1], grid)
    edge = 0.5 / len(quantiles)
    score: ndarray = ndtri(np.clip((up + down) / 2, edge, 1 - edge))
    return score


class Boolean(Column):
    """0 or 1. Anything else seen later counts as missing."""

    kind: Literal["boolean"] = "boolean"
    group: int | None = None
    """Adjacent booleans of which exactly one holds in every training row share a number: they are one column,
    written as a one-hot group, and typed mixing takes them whole."""

    @property
    def elements(self) -> list[Element]:
        return [Element("level"), *([Element("flag")] if self.missing else [])]

    def encode(self, values: pa.Array, infinite: str) -> Float32[ndarray, " n width"]:
        numbers = quantities(self, values, "boolean", infinite)
        absent = ~((numbers == 0) | (numbers == 1))
        return _with_flag([np.where(absent, 0.0, numbers)], absent, self.missing)


class DateTime(Column):
    """A moment: standard score of its seconds, and its place in the year, the week and the day as sine and cosine.

    Only cycles that vary among the training rows are kept.
    """

    kind: Literal["datetime"] = "datetime"
    mean: float
    scale: float
    low: float
    high: float
    cycles: tuple[Literal["year", "week", "day"], ...] = ()

    @property
    def elements(self) -> list[Element]:
        waves = [Element("quantity", -1.0, 1.0)] * (2 * len(self.cycles))
        return [
            Element("quantity", self.low, self.high),
            *waves,
            *([Element("flag")] if self.missing else []),
        ]

    @property
    def blend(self) -> bool:
        return True

    def encode(self, values: pa.Array, infinite: str) -> Float32[ndarray, " n width"]:
        if not pa.types.is_timestamp(values.type) and values.null_count < len(values):
            raise self._changed(values, "a date")
        absent = values.is_null().to_numpy(zero_copy_only=False)
        # A column with nothing in it has lost its type.
        kind = pa.timestamp("us")
        moments = values.cast(kind) if pa.types.is_timestamp(values.type) else pa.nulls(len(values), kind)
        parts = [np.where(absent, 0.0, (seconds(moments) - self.mean) / self.scale)]
        for cycle in self.cycles:
            angle = 2 * np.pi * phase(moments, cycle)
            parts += [np.where(absent, 0.0, np.sin(angle)), np.where(absent, 0.0, np.cos(angle))]
        return _with_flag(parts, absent, self.missing)


def seconds(moments: pa.Array) -> Float64[ndarray, " n"]:
    """Seconds since 1970, NaN for none."""
    return np.array(moments.cast(pa.int64()).cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)) / 1e6


def phase(moments: pa.Array, cycle: str) -> Float64[ndarray, " n"]:
    """How far a cycle has gone, in [0, 1); NaN for no value."""
    hours = seconds(moments) / 3600
    if cycle == "day":
        return (hours % 24) / 24
    if cycle == "week":
        return (hours / 24 + 3) % 7 / 7  # 1970-01-01 was a Thursday
    return np.array(pc.day_of_year(moments).cast(pa.float64()).to_numpy(zero_copy_only=False) - 1) / 366


class Categorical(Column):
    """A text column of few or many different values (levels), in alphabetical order.

    ``onehot``: an element a level, all zero for one never seen, and an element for «missing» if there was any.
    ``code``: one element with a whole number, for which the encoder learns a vector.
    """

    kind: Literal["categorical"] = "categorical"
    levels: tuple[str, ...]
    store: Literal["onehot", "code"] = "onehot"
    numbers: bool = False
    """Whether the levels are numbers, called levels by ``table.categorical``."""

    @property
    def elements(self) -> list[Element]:
        if self.store == "code":
            return [Element("code")]
        return [Element("level")] * len(self.levels) + ([Element("flag")] if self.missing else [])

    @property
    def missing_at(self) -> int:
        return 0 if self.store == "code" else super().missing_at

    @property
    def codes(self) -> int:
        """How many codes there are."""
        return FIRST_LEVEL + len(self.levels)

    def encode(self, values: pa.Array, infinite: str) -> Float32[ndarray, " n width"]:
        if pa.types.is_null(values.type) or values.null_count == len(values):
            texts = pa.nulls(len(values), pa.large_string())
        elif pa.types.is_large_string(values.type):
            texts = values
        elif self.numbers and not pa.types.is_timestamp(values.type):
            texts = values.cast(pa.large_string())
        else:
            raise self._changed(values, "categorical text")
        found = pc.index_in(texts, pa.array(self.levels, pa.large_string()))
        place = pc.fill_null(found, -1).to_numpy(zero_copy_only=False)
        absent = texts.is_null().to_numpy(zero_copy_only=False)
        if self.store == "code":
            code = np.where(place >= 0, place + FIRST_LEVEL, UNKNOWN)
            return np.where(absent, MISSING, code).astype(np.float32)[:, None]
        out = np.zeros((len(texts), len(self.elements)), np.float32)
        seen = np.flatnonzero(place >= 0)
        out[seen, place[seen]] = 1
        if self.missing:
            out[absent, -1] = 1
        return out


AnyColumn = Annotated[Numeric | Boolean | DateTime | Categorical, Field(discriminator="kind")]
