"""Estimate confidence intervals of mean scores and of paired differences from test rows and repetitions.

A mean score varies for three reasons: the draw of the labeled rows, the pre-training seed, and the test rows. Each
reason that repetitions or rows can show has its own estimate of variance.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy import stats

CONFIDENCE = 0.95
"""Confidence level of intervals, before any correction for multiple comparisons."""


class Variance(NamedTuple):
    """Store an estimate of the variance of a mean, and its degrees of freedom."""

    variance: float
    degrees_of_freedom: int


class Design(NamedTuple):
    """Describe how the repetitions of a measurement depend on each other.

    Parameters
    ----------
    test_rows
        Row numbers of the test rows of each repetition.
    seeds
        Pre-training seed of each repetition; empty if each repetition has its own seed.
    overlap
        Number of test rows divided by the number of training rows if the repetitions are repeated cross-validation
        folds, whose training rows overlap; otherwise 0.
    resampled
        Whether the labeled rows of the repetitions are bootstrap resamples of the same rows.
    """

    test_rows: Sequence[ndarray]
    seeds: Sequence[int] = ()
    overlap: float = 0.0
    resampled: bool = False


def mean_interval(
    per_row: Sequence[ndarray],
    design: Design,
    confidence: float = CONFIDENCE,
    pooled: Variance | None = None,
) -> tuple[float, tuple[float, float]]:
    """Return the mean of per-row scores over repetitions, and its t interval as ``(mean, (low, high))``.

    There are two estimates of the variance of the mean: one from the test rows, and one from the repetitions. The
    squared half-widths of their t intervals are added, which keeps the confidence level for any two variances
    (Banerjee, 1961). If the repetitions have different test rows, the variance between them includes the variation
    between rows already, and the wider of the two t intervals is returned.

    Parameters
    ----------
    per_row
        Scores of the test rows of each repetition, or differences of scores of two models.
    design
        How the repetitions depend on each other.
    confidence
        Confidence level of the interval.
    pooled
        Variance from repetitions, averaged over several models. It replaces an estimate that is smaller.
    """
    each = np.array([scores.mean() for scores in per_row])
    rows = _half_width(_row_variance(per_row, design.test_rows), confidence)
    same_rows = all(np.array_equal(test, design.test_rows[0]) for test in design.test_rows)
    found = repetition_variances(each, design)
    if pooled is not None:
        found = [Variance(max(v.variance, pooled.variance), pooled.degrees_of_freedom) for v in found]
    repetitions = max((_half_width(variance, confidence) for variance in found), default=0.0)
    half = float(np.hypot(rows, repetitions)) if same_rows else max(rows, repetitions)
    mean = float(each.mean())
    return mean, (mean - half, mean + half)


def repetition_variances(each: Float64[ndarray, " repetitions"], design: Design) -> list[Variance]:
    """Estimate the variance of a mean over repetitions; the list is empty if there is only one repetition.

    If several repetitions share a pre-training seed, there are two estimates. The first one is computed from the means
    of the seeds, and includes the variance between seeds and between draws of labels. The second one is computed from
    the repetitions within seeds, and includes only the variance between draws. The wider interval is used, because the
    means of a few seeds may agree by chance.

    With repeated cross-validation folds, the variance is multiplied by ``1 / folds + overlap`` (Nadeau and Bengio,
    2003). The variance between bootstrap resamples is not divided by their number, because all of them have the same
    labeled rows, and more resamples do not tell how other labeled rows would have scored.

    Parameters
    ----------
    each
        Score or difference of each repetition.
    design
        How the repetitions depend on each other.
    """
    n, seeds = len(each), np.unique(design.seeds)
    if n < 2:
        return []
    if design.resampled or design.overlap or not 1 < len(seeds) < n:
        share = 1.0 if design.resampled else 1 / n + design.overlap
        return [Variance(float(each.var(ddof=1)) * share, n - 1)]
    groups = [each[np.asarray(design.seeds) == seed] for seed in seeds]
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in groups) / (n - len(groups))
    between = float(np.var([group.mean() for group in groups], ddof=1))
    return [Variance(between / len(groups), len(groups) - 1), Variance(within / n, n - len(groups))]


def pool_variances(found: Sequence[Sequence[Variance]]) -> Variance | None:
    """Average the first variance of each list, and add up their degrees of freedom; None if the lists are empty."""
    first = [variances[0] for variances in found if variances]
    if not first:
        return None
    return Variance(float(np.mean([v.variance for v in first])), sum(v.degrees_of_freedom for v in first))


def _row_variance(per_row: Sequence[ndarray], test_rows: Sequence[ndarray]) -> Variance:
    """Estimate the variance of the mean from the finite number of test rows of one split.

    Scores of a row are averaged over the repetitions that have the same test rows. The estimates of several splits are
    averaged and not added up, because their test rows may be the same.
    """
    splits: list[list[int]] = []
    for number, rows in enumerate(test_rows):
        same = next((split for split in splits if np.array_equal(rows, test_rows[split[0]])), None)
        splits.append([number]) if same is None else same.append(number)
    by_row = [np.mean([per_row[number] for number in split], axis=0) for split in splits]
    return Variance(float(np.mean([rows.var(ddof=1) / len(rows) for rows in by_row])), len(by_row[0]) - 1)


def _half_width(found: Variance, confidence: float) -> float:
    """Return half the width of the t interval of a mean with this variance."""
    quantile = stats.t.ppf((1 + confidence) / 2, found.degrees_of_freedom)
    return float(quantile * np.sqrt(found.variance))
