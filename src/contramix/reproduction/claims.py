"""Whether what a paper claims came out: that one row is above another, by paired differences over seeds."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from contramix.reproduction.suite import Block

Rows = Sequence[dict[str, Any]]
CONFIDENCE = 0.95
VERDICTS = (
    "holds",
    "holds in direction",
    "does not hold, undecided",
    "does not hold, the reverse does",
)
"""Of a gain: its interval is above zero; only its mean is; neither is; its interval is below zero."""


class Gain(NamedTuple):
    """By how much one row is above another, in points."""

    above: dict[str, Any]
    below: dict[str, Any]
    mean: float
    interval: tuple[float, float] | None
    """A t interval over seeds: what other seeds would give on this data set. None where there is one seed."""

    @property
    def verdict(self) -> str:
        """One of ``VERDICTS``."""
        holds, direction, undecided, reverse = VERDICTS
        if self.mean > 0:
            return holds if self.interval is not None and self.interval[0] > 0 else direction
        return reverse if self.interval is not None and self.interval[1] < 0 else undecided


def gain(rows: Rows, above: str, below: str) -> Gain | None:
    """The difference of two rows, each by its first probe; None where one of them was not run.

    Examples
    --------
    >>> rows = [{"name": "a", "each": [0.5, 0.7]}, {"name": "b", "each": [0.4, 0.5]}]
    >>> found = gain(rows, "a", "b")
    >>> round(found.mean, 1), found.verdict
    (15.0, 'holds in direction')
    """
    pair = [next((row for row in rows if row["name"] == name), None) for name in (above, below)]
    if pair[0] is None or pair[1] is None:
        return None
    each = 100 * (np.array(pair[0]["each"]) - np.array(pair[1]["each"]))
    mean, seeds = float(each.mean()), len(each)
    if seeds == 1:
        return Gain(pair[0], pair[1], mean, None)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, seeds - 1) * each.std(ddof=1) / np.sqrt(seeds))
    return Gain(pair[0], pair[1], mean, (mean - half, mean + half))


def judged(block: Block, rows: Rows) -> list[dict[str, Any]]:
    """Each claim on a block and what came out, for a report; claims on rows that were not run are left out."""
    made = []
    for claim in block.claims:
        found = gain(rows, claim.above, claim.below)
        if found is not None:
            made.append({"claim": claim.text, "gain": found.mean, "interval": found.interval, "verdict": found.verdict})
    return made
