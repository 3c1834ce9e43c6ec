"""What is seen of a column, portion by portion, and the column that it is then found to be.

Memory stays bounded however many rows go by. Counts, means, deviations (Chan's merge, in float64), extremes, and with
them constants and booleans are exact. Which values there are is exact up to ``MOST_KEPT`` different ones; beyond, what
comes new is no longer counted, and how many rows have a value of their own is judged by the rows until then. Quantiles
are those of a sample of rows. A table that comes in one portion is seen whole, and nothing of it is bounded.
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
from contramix.domains.table.columns.dates import CYCLES, DateTime, phase, seconds
from contramix.domains.table.columns.kinds import AnyColumn
from contramix.domains.table.columns.moments import Moments
from contramix.domains.table.columns.numeric import Numeric, normal_quantile
from contramix.domains.table.settings import TableSettings
from contramix.errors import InputError

MOST_KEPT, MOST_BYTES = 2**17, 2**24
"""Different values of a column that are remembered from one portion to the next: so many, of so many bytes."""
FEW_ROWS = 20
"""Below this many rows nothing is called an identifier: any short column of different values would be one."""
MOST_LEVELS = 10_000
ID_NAME = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|rowid)$|[a-z]I[dD]$", re.IGNORECASE)


class Seen(ABC):
    """A column so far.

    Parameters
    ----------
    name, settings
        What it is called, and how columns are read.
    """

    def __init__(self, name: str, settings: TableSettings) -> None:
        self.name, self.settings = name, settings
        self.rows = self.absent = 0
        self._first: Any = None
        self._differs = False

    def see(self, values: pa.Array, before: int = 0, sample: ndarray | None = None) -> None:
        """Take note of some values.

        Parameters
        ----------
        values
            Of one canonical type in all portions.
        before
            How many rows went before, for messages.
        sample
            Which of them are of the sample that quantiles are taken of; None: all.

        Raises
        ------
        InputError
            If a number is infinite where that is an error.
        """
        there = values.drop_null() if values.null_count else values
        self.rows += len(values)
        self.absent += values.null_count
        if not len(there):
            return
        if self._first is None:
            self._first = there[0]
        if not self._differs:
            self._differs = pc.any(pc.not_equal(there, self._first)).as_py()
        self._note(values, there, before, sample)

    def found(self) -> AnyColumn | LeftOut:
        """What the column is, or why it is left out.

        Raises
        ------
        InputError
            If its numbers are too large to be standardised.
        """
        if self.absent == self.rows:
            return LeftOut(name=self.name, reason="empty")
        if not self._differs and not self.absent:
            return LeftOut(name=self.name, reason=f"constant ({_short(self._first.as_py())})")
        return self._found()

    @abstractmethod
    def _note(self, values: pa.Array, there: pa.Array, before: int, sample: ndarray | None) -> None:
        """Of values, and those of them that are not missing; there is one."""

    @abstractmethod
    def _found(self) -> AnyColumn | LeftOut:
        """Of a column that is not empty, and not constant."""


class Booleans(Seen):
    """True and false."""

    def _note(self, values: pa.Array, there: pa.Array, before: int, sample: ndarray | None) -> None:
        pass

    def _found(self) -> Boolean:
        return Boolean(name=self.name, missing=self.absent > 0)


class Numbers(Seen):
    """Numbers; they may turn out to be booleans, or to count the rows."""

    def __init__(self, name: str, settings: TableSettings) -> None:
        super().__init__(name, settings)
        self._infinite, self._ones, self._binary, self._own = False, 0, True, True
        self._moments = Moments()
        self._kept: pa.Array | None = None
        self._sample: list[ndarray] = []

    def _note(self, values: pa.Array, there: pa.Array, before: int, sample: ndarray | None) -> None:
        numbers = values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        infinite = np.isinf(numbers)
        if infinite.any():
            if self.settings.infinite == "error":
                raise InputError(
                    f"column {self.name!r}, row {before + int(infinite.argmax()) + 1}: infinite value; "
                    "mend the data, or set table.infinite = 'missing'"
                )
            self._infinite = True
        finite = numbers[np.isfinite(numbers)]
        if not len(finite):
            return
        ones = int((finite == 1).sum())
        if self._binary and ones + int((finite == 0).sum()) == len(finite):
            self._ones += ones
            self._moments = Moments.of_binary(self._moments.count + len(finite), self._ones)
        else:
            self._binary = False
            self._moments = self._moments.joined(finite)
        self._own = self._own and len(there) == len(values) and self._all_new(values, finite)
        if self.settings.numeric == "quantile":
            taken = finite if sample is None else numbers[sample]
            self._sample.append(taken[np.isfinite(taken)])

    def _all_new(self, values: pa.Array, numbers: ndarray) -> bool:
        """Whether they are whole numbers that have not been there before, nor twice now; most often some tell."""
        some = values.slice(0, 1000)
        if (numbers[:1000] % 1 != 0).any() or pc.count_distinct(some).as_py() < len(some) or (numbers % 1 != 0).any():
            return False
        joined = values if self._kept is None else pa.concat_arrays([self._kept, values])
        if self._kept is None or len(joined) <= MOST_KEPT:
            self._kept = joined.slice(0, MOST_KEPT)
        return bool(pc.count_distinct(joined).as_py() == len(joined))

    def _found(self) -> AnyColumn | LeftOut:
        missing, seen = self.absent > 0 or self._infinite, self._moments
        if not seen.count:
            return LeftOut(name=self.name, reason="empty but for infinite values")
        if self._binary:
            return Boolean(name=self.name, missing=missing)
        if self._own and self.rows >= FEW_ROWS and (seen.high - seen.low == self.rows - 1 or ID_NAME.search(self.name)):
            return LeftOut(name=self.name, reason="an identifier: whole numbers, each row its own")
        mean, scale = seen.mean, seen.deviation
        if not math.isfinite(mean) or not math.isfinite(scale):
            raise InputError(
                f"column {self.name!r} holds numbers up to {max(abs(seen.low), abs(seen.high)):g}, too large to "
                "standardise; scale the column, take its logarithm, or leave it out with table.drop"
            )
        # Rounding leaves a little spread in a constant column of large numbers.
        if scale <= 1e-14 * abs(mean):
            if not missing:
                rounding = "" if seen.high == seen.low else " but for rounding"
                return LeftOut(name=self.name, reason=f"constant{rounding} ({mean:g})")
            scale = 1.0
        return self._numeric(missing, mean, scale if scale > 0 else 1.0)

    def _numeric(self, missing: bool, mean: float, scale: float) -> Numeric:
        ends, quantiles = np.array([self._moments.low, self._moments.high]), np.array([])
        if self.settings.numeric == "quantile":
            sample = np.concatenate([ends, *self._sample] if self._bounded else self._sample)
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
    def _bounded(self) -> bool:
        """Whether the sample is not all there is, so that the extremes may not be in it."""
        return sum(map(len, self._sample)) < self._moments.count


class Dates(Seen):
    """Moments in time."""

    def __init__(self, name: str, settings: TableSettings) -> None:
        super().__init__(name, settings)
        self._moments = Moments()
        self._phases = {cycle: (math.inf, -math.inf) for cycle in CYCLES}

    def _note(self, values: pa.Array, there: pa.Array, before: int, sample: ndarray | None) -> None:
        self._moments = self._moments.joined(seconds(there))
        for cycle, (low, high) in self._phases.items():
            phases = phase(there, cycle)
            self._phases[cycle] = (min(low, float(phases.min())), max(high, float(phases.max())))

    def _found(self) -> DateTime:
        mean, scale = self._moments.mean, self._moments.deviation or 1.0
        return DateTime(
            name=self.name,
            missing=self.absent > 0,
            mean=mean,
            scale=scale,
            low=(self._moments.low - mean) / scale,
            high=(self._moments.high - mean) / scale,
            cycles=tuple(cycle for cycle, (low, high) in self._phases.items() if high > low),
        )


class Texts(Seen):
    """Texts: levels, identifiers, or prose."""

    def __init__(self, name: str, settings: TableSettings, numbers: bool = False) -> None:
        super().__init__(name, settings)
        self._numbers = numbers
        self._levels = pa.table({"level": pa.array([], pa.large_string()), "times": pa.array([], pa.int64())})
        self._until: int | None = None
        """Rows with a text, when there were more levels than are kept."""

    def _note(self, values: pa.Array, there: pa.Array, before: int, sample: ndarray | None) -> None:
        counts = pc.value_counts(there)
        new = pa.table({"level": counts.field("values"), "times": counts.field("counts")})
        if self._until is not None:
            new = new.filter(pc.is_in(new["level"], value_set=self._levels["level"].combine_chunks()))
        if len(self._levels):
            joined = pa.concat_tables([self._levels, new]).group_by("level").aggregate([("times", "sum")])
            new = pa.table({"level": joined["level"], "times": joined["times_sum"]})
        self._levels = new
        if self._until is None and (len(new) > MOST_KEPT or new.nbytes > MOST_BYTES):
            self._until = self.rows - self.absent

    def _found(self) -> Categorical | LeftOut:
        texts, distinct, missing = self._levels["level"], len(self._levels), self.absent > 0
        seen = self.rows - self.absent if self._until is None else self._until
        if distinct > max(self.settings.onehot_levels, FEW_ROWS) and distinct > seen / 2:
            words = pc.mean(pc.count_substring(texts, " ")).as_py() + 1
            if words >= 3:
                return LeftOut(name=self.name, reason="free text: embed it with a text model and join the result")
            if distinct > 0.9 * seen:
                return LeftOut(name=self.name, reason="an identifier: nearly each row has its own")
        if distinct <= self.settings.onehot_levels:
            return self._categorical(texts.to_pylist(), missing)
        # Levels seen once share the code of levels never seen, which so is trained.
        often = self._levels.filter(pc.greater(self._levels["times"], 1))
        often = often.sort_by([("times", "descending"), ("level", "ascending")])["level"].to_pylist()
        if not often:
            return LeftOut(name=self.name, reason="an identifier: each row has its own")
        return self._categorical(often[:MOST_LEVELS], missing, "code")

    def _categorical(self, levels: list[str], missing: bool, store: Any = "onehot") -> Categorical:
        return Categorical(
            name=self.name, missing=missing, levels=tuple(sorted(levels)), store=store, numbers=self._numbers
        )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
