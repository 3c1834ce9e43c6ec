"""Judge the claims of a paper that one row of a table scores above another, by their paired differences over seeds."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from contramix.reproduction.suite import Block

Rows = Sequence[dict[str, Any]]
CONFIDENCE = 0.95
"""Confidence level of the interval for a gain."""
VERDICTS = (
    "holds",
    "holds in direction",
    "does not hold, undecided",
    "does not hold, the reverse does",
)
"""Verdicts on a claim: the interval of its gain is above 0; only the mean is; neither is; the interval is below 0."""


class Gain(NamedTuple):
    """Store the difference of the scores of two rows of a report, to test a claim that the first row is better.

    Attributes
    ----------
    above, below
        The row that is claimed to be better, and the other one, as dictionaries of the report.
    mean
        Score of ``above`` minus score of ``below``, averaged over seeds, in percentage points.
    interval
        Lower and upper end of the 95 % t interval of this mean over seeds, in percentage points. None if there is only
        one seed.
    """

    above: dict[str, Any]
    below: dict[str, Any]
    mean: float
    interval: tuple[float, float] | None

    @property
    def verdict(self) -> str:
        """Return the verdict on the claim that the first row scores higher than the second.

        The verdict is one of four texts: "holds" (the 95 % interval of the difference is above 0), "holds in direction"
        (only the mean difference is above 0), "does not hold, undecided" (the mean is not above 0), and "does not hold,
        the reverse does" (the interval is below 0).
        """
        holds, direction, undecided, reverse = VERDICTS
        if self.mean > 0:
            return holds if self.interval is not None and self.interval[0] > 0 else direction
        return reverse if self.interval is not None and self.interval[1] < 0 else undecided


def gain(rows: Rows, above: str, below: str) -> Gain | None:
    """Compare the scores of two rows of a report seed by seed, or return None if one of them was not run.

    Parameters
    ----------
    rows
        Rows of a report: dictionaries with the row's ``name`` and ``each``, its scores between 0 and 1, one per seed.
        Only the first row of each name is used, which is the one for the first probe.
    above, below
        Names of the row that is claimed to be better, and of the other one.

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


def judge(block: Block, rows: Rows) -> list[dict[str, Any]]:
    """Check each claim that a paper makes about one data set, and return the outcomes as dictionaries for the report.

    An outcome has the keys ``claim`` (text of the claim), ``gain`` (mean difference in percentage points), ``interval``
    (its two ends, or None) and ``verdict`` (such as "holds"). Claims about rows that were not run are left out.

    Parameters
    ----------
    block
        The block of the suite (the rows of a table for one data set), which contains the claims.
    rows
        Rows of the report: dictionaries with ``name`` and ``each`` (scores between 0 and 1, one for each seed).
    """
    outcomes = []
    for claim in block.claims:
        found = gain(rows, claim.above, claim.below)
        if found is not None:
            outcome = {"claim": claim.text, "gain": found.mean, "interval": found.interval, "verdict": found.verdict}
            outcomes.append(outcome)
    return outcomes
