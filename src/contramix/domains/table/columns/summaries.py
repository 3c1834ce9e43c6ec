"""Summarize each column of a table chunk by chunk, and decide how it is encoded or why it is left out.

Memory stays bounded for any number of rows. Counts, means, standard deviations, minima and maxima are exact (float64).
The decision whether a column is constant or boolean is therefore exact, too. The set of distinct values is exact up to
``MAX_VALUES``; later new values are not counted, and whether a column is an identifier is decided from the rows up to
that point. Quantiles are estimated from a sample of rows. A table that comes in one chunk has none of these limits.
"""

import math
import re
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy import ndarray

from contramix.domains.spec import LeftOut
from contramix.domains.table.columns.boolean import Boolean
from contramix.domains.table.columns.categorical import Categorical
from contramix.domains.table.columns.dates import CYCLES, DateTime, cycle_phase, seconds_since_epoch
from contramix.domains.table.columns.kinds import AnyColumn
from contramix.domains.table.columns.numeric import Numeric, normal_quantile
from contramix.domains.table.columns.running_statistics import RunningStatistics
from contramix.domains.table.settings import TableSettings
from contramix.errors import InputError

MAX_VALUES, MAX_BYTES = 2**17, 2**24
"""Maximum number and total size in bytes of a column's distinct values that are kept from one chunk to the next."""
MIN_ROWS = 20
"""Minimum number of rows of an identifier column. With fewer rows, many columns have distinct values by chance."""
MAX_CATEGORIES = 10_000
"""Maximum number of categories of a column that is stored as codes; rarer ones share the code for unknown."""
ID_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|rowid)$|[a-z]I[dD]$", re.IGNORECASE)


class ColumnSummary(ABC):
    """Collect statistics of a column chunk by chunk, and decide how the column is encoded.

    Call :meth:`update` with each chunk, then :meth:`finish`. The attribute ``rows`` counts all values so far, and
    ``absent`` the missing ones.

    Parameters
    ----------
    name
        The column's name.
    settings
        The section ``table`` of the recipe: how columns are read and encoded.
    """

    def __init__(self, name: str, settings: TableSettings) -> None:
        self.name, self.settings = name, settings
        self.rows = self.absent = 0
        self._first: Any = None
        self._differs = False

    def update(self, values: pa.Array, first_row: int = 0, sample: ndarray | None = None) -> None:
        """Update the statistics with the next chunk of values.

        Parameters
        ----------
        values
            The values, of the same Arrow type in all chunks.
        first_row
            Number of earlier rows in the file, which error messages add to row numbers.
        sample
            Positions in this chunk of the values from which quantiles are computed; None for all values.

        Raises
        ------
        InputError
            If a number is infinite and ``settings.infinite`` is ``"error"``.
        """
        present = values.drop_null() if values.null_count else values
        self.rows += len(values)
        self.absent += values.null_count
        if not len(present):
            return
        if self._first is None:
            self._first = present[0]
        if not self._differs:
            self._differs = self._any_differs(present)
        self._update(values, present, first_row, sample)

    def finish(self) -> AnyColumn | LeftOut:
        """Return the column's encoding, or the reason why the column is left out. Call this after the last chunk.

        Raises
        ------
        InputError
            If the numbers are too large to be standardized.
        """
        if self.absent == self.rows:
            return LeftOut(name=self.name, reason="empty")
        if not self._differs and not self.absent:
            return LeftOut(name=self.name, reason=f"constant ({_short(self._first.as_py())})")
        return self._finish()

    def _any_differs(self, present: pa.Array) -> bool:
        """Return whether any of the values that are not missing differs from the first one of the column."""
        return bool(pc.any(pc.not_equal(present, self._first)).as_py())

    @abstractmethod
    def _update(self, values: pa.Array, present: pa.Array, first_row: int, sample: ndarray | None) -> None:
        """Update the statistics with a chunk of values.

        ``present`` holds its non-null values, at least one. ``first_row`` is the number of rows before the chunk.
        ``sample`` selects the rows of the chunk from which quantiles are estimated; None for all rows.
        """

    @abstractmethod
    def _finish(self) -> AnyColumn | LeftOut:
        """Return the encoding of a column that is not empty or constant, or the reason why it is left out."""


class BooleanSummary(ColumnSummary):
    """Count the missing values of a boolean column, which becomes a :class:`Boolean` input."""

    def _update(self, values: pa.Array, present: pa.Array, first_row: int, sample: ndarray | None) -> None:
        pass

    def _finish(self) -> Boolean:
        return Boolean(name=self.name, missing=self.absent > 0)


class NumberSummary(ColumnSummary):
    """Collect statistics of a numeric column, and decide how it is encoded.

    A column of zeros and ones is encoded as boolean. Identifiers, such as row numbers, are left out.
    """

    def __init__(self, name: str, settings: TableSettings) -> None:
        super().__init__(name, settings)
        self._infinite, self._ones, self._binary, self._unique = False, 0, True, True
        self._statistics = RunningStatistics()
        self._values: pa.Array | None = None
        self._sample: list[ndarray] = []

    def _update(self, values: pa.Array, present: pa.Array, first_row: int, sample: ndarray | None) -> None:
        numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        infinite = np.isinf(numbers)
        if infinite.any():
            if self.settings.infinite == "error":
                raise InputError(
                    f"column {self.name!r}, row {first_row + int(infinite.argmax()) + 1}: infinite value; "
                    "correct the data, or set table.infinite = 'missing'"
                )
            self._infinite = True
        finite = numbers[np.isfinite(numbers)]
        if not len(finite):
            return
        ones = int((finite == 1).sum())
        if self._binary and ones + int((finite == 0).sum()) == len(finite):
            self._ones += ones
            self._statistics = RunningStatistics.from_binary_counts(self._statistics.count + len(finite), self._ones)
        else:
            self._binary = False
            self._statistics = self._statistics.update(finite)
        self._unique = self._unique and len(present) == len(values) and self._all_new(values, finite)
        if self.settings.numeric == "quantile":
            sampled = finite if sample is None else numbers[sample]
            self._sample.append(sampled[np.isfinite(sampled)])

    def _all_new(self, values: pa.Array, numbers: ndarray) -> bool:
        """Return whether a chunk's values are integers, distinct from each other and from all earlier values.

        ``numbers`` holds the finite values of the chunk as float64. The values are stored for comparison with later
        chunks, up to ``MAX_VALUES`` of them.
        """
        some = values.slice(0, 1000)  # mostly enough to find a repeated value
        if (numbers[:1000] % 1 != 0).any() or pc.count_distinct(some).as_py() < len(some) or (numbers % 1 != 0).any():
            return False
        joined = values if self._values is None else pa.concat_arrays([self._values, values])
        if self._values is None or len(joined) <= MAX_VALUES:
            self._values = joined.slice(0, MAX_VALUES)
        return bool(pc.count_distinct(joined).as_py() == len(joined))

    def _finish(self) -> AnyColumn | LeftOut:
        missing, statistics = self.absent > 0 or self._infinite, self._statistics
        if not statistics.count:
            return LeftOut(name=self.name, reason="empty except for infinite values")
        if self._binary:
            return Boolean(name=self.name, missing=missing)
        consecutive = statistics.high - statistics.low == self.rows - 1
        if self._unique and self.rows >= MIN_ROWS and (consecutive or ID_NAME.search(self.name)):
            return LeftOut(name=self.name, reason="an identifier: integers, different in each row")
        mean, scale = statistics.mean, statistics.std
        if not math.isfinite(mean) or not math.isfinite(scale):
            largest = max(abs(statistics.low), abs(statistics.high))
            raise InputError(
                f"column {self.name!r} holds numbers up to {largest:g}, too large to standardize; scale the column, "
                "take its logarithm, or leave it out with table.drop"
            )
        # Because of rounding, the standard deviation of a constant column of large numbers may be above 0.
        if scale <= 1e-14 * abs(mean):
            if not missing:
                rounding = "" if statistics.high == statistics.low else " up to rounding"
                return LeftOut(name=self.name, reason=f"constant{rounding} ({mean:g})")
            scale = 1.0
        return self._numeric(missing, mean, scale if scale > 0 else 1.0)

    def _numeric(self, missing: bool, mean: float, scale: float) -> Numeric:
        ends, quantiles = np.array([self._statistics.low, self._statistics.high]), np.array([])
        if self.settings.numeric == "quantile":
            sample = np.concatenate([ends, *self._sample] if self._sample_is_partial else self._sample)
            quantiles = np.quantile(sample, np.linspace(0, 1, min(1000, max(10, len(sample)))))
            ends = normal_quantile(ends, tuple(quantiles.tolist()))
        else:
            ends = (ends - mean) / scale
        return Numeric(
            name=self.name,
            missing=missing,
            mean=mean,
            scale=scale,
            low=float(ends[0]),
            high=float(ends[1]),
            quantiles=tuple(quantiles.tolist()),
        )

    @property
    def _sample_is_partial(self) -> bool:
        """Return whether quantiles are computed from a sample of the values, which may lack the minimum or maximum."""
        return sum(map(len, self._sample)) < self._statistics.count


class DateSummary(ColumnSummary):
    """Collect the mean, standard deviation and range of a column of timestamps.

    Of the cycles year, week and day, those are encoded in which the position of the timestamps varies.
    """

    def __init__(self, name: str, settings: TableSettings) -> None:
        super().__init__(name, settings)
        self._statistics = RunningStatistics()
        self._phases = {cycle: (math.inf, -math.inf) for cycle in CYCLES}

    def _update(self, values: pa.Array, present: pa.Array, first_row: int, sample: ndarray | None) -> None:
        self._statistics = self._statistics.update(seconds_since_epoch(present))
        for cycle, (low, high) in self._phases.items():
            phases = cycle_phase(present, cycle)
            self._phases[cycle] = (min(low, float(phases.min())), max(high, float(phases.max())))

    def _finish(self) -> DateTime:
        mean, scale = self._statistics.mean, self._statistics.std or 1.0
        return DateTime(
            name=self.name,
            missing=self.absent > 0,
            mean=mean,
            scale=scale,
            low=(self._statistics.low - mean) / scale,
            high=(self._statistics.high - mean) / scale,
            cycles=tuple(cycle for cycle, (low, high) in self._phases.items() if high > low),
        )


class TextSummary(ColumnSummary):
    """Count the distinct values of a text column, and decide how it is encoded.

    A column of categories is encoded. A column of identifiers or free text is left out. ``numbers`` states whether the
    texts were converted from numbers that the user declared to be categories.
    """

    def __init__(self, name: str, settings: TableSettings, numbers: bool = False) -> None:
        super().__init__(name, settings)
        self._numbers = numbers
        self._counts = pa.table({"category": pa.array([], pa.large_string()), "count": pa.array([], pa.int64())})
        self._counted_rows: int | None = None
        """Number of non-null rows that were counted until the limit of distinct values; None below the limit."""

    def _update(self, values: pa.Array, present: pa.Array, first_row: int, sample: ndarray | None) -> None:
        counts = pc.value_counts(present)
        new = pa.table({"category": counts.field("values"), "count": counts.field("counts")})
        if self._counted_rows is not None:
            new = new.filter(pc.is_in(new["category"], value_set=self._counts["category"].combine_chunks()))
        if len(self._counts):
            joined = pa.concat_tables([self._counts, new]).group_by("category").aggregate([("count", "sum")])
            new = pa.table({"category": joined["category"], "count": joined["count_sum"]})
        self._counts = new
        if self._counted_rows is None and (len(new) > MAX_VALUES or new.nbytes > MAX_BYTES):
            self._counted_rows = self.rows - self.absent

    def _finish(self) -> Categorical | LeftOut:
        texts, distinct, missing = self._counts["category"], len(self._counts), self.absent > 0
        rows = self.rows - self.absent if self._counted_rows is None else self._counted_rows
        if distinct > max(self.settings.onehot_levels, MIN_ROWS) and distinct > rows / 2:
            words = pc.mean(pc.count_substring(texts, " ")).as_py() + 1
            if words >= 3:
                return LeftOut(name=self.name, reason="free text: embed it with a text model and join the result")
            if distinct > 0.9 * rows:
                return LeftOut(name=self.name, reason="an identifier: different in nearly each row")
        if distinct <= self.settings.onehot_levels:
            return self._categorical(texts.to_pylist(), missing)
        # Categories that occur once share the code of unknown ones, which is thereby trained.
        repeated = self._counts.filter(pc.greater(self._counts["count"], 1))
        repeated = repeated.sort_by([("count", "descending"), ("category", "ascending")])["category"].to_pylist()
        if not repeated:
            return LeftOut(name=self.name, reason="an identifier: different in each row")
        return self._categorical(repeated[:MAX_CATEGORIES], missing, "code")

    def _categorical(self, categories: list[str], missing: bool, store: Any = "onehot") -> Categorical:
        return Categorical(
            name=self.name, missing=missing, levels=tuple(sorted(categories)), store=store, numbers=self._numbers
        )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
