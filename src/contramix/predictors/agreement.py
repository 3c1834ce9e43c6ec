"""Weigh representations against raw features by how well predictors agree on unlabeled rows."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from scipy.stats import rankdata

USUAL_SHARE, SLOPE = 0.5, 3.0
"""Weight of all parts on representations if they agree with the judge as much as the other parts do, and its change
with the ratio of the agreements. Both were chosen on held-out rows of eight tables (docs/evaluation.md)."""
SMALLEST_SHARE, LARGEST_SHARE = 0.05, 0.7
"""Limits of the weight of all parts on representations."""


def representation_share(
    judge: Float[ndarray, " n k"], plain: Sequence[Float[ndarray, " n k"]], representation: Float[ndarray, " n k"]
) -> float:
    """Return the weight that predictions from representations deserve, judged by rows without labels.

    Predictors that are right agree with each other, also with one of another kind (Parisi et al., Ranking and combining
    multiple predictors without labeled data, PNAS 2014). The rank correlation of the representations' predictions with
    those of a judge is divided by the mean rank correlation of the plain predictors with the judge. The smaller the
    ratio, the smaller the weight.

    Parameters
    ----------
    judge
        Predictions of a model of another kind than the others: class probabilities, or one column of numbers.
    plain
        Predictions of several models on raw features.
    representation
        Predictions from representations.

    Returns
    -------
    float
        Weight between 0.05 and 0.7.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(size=(1000, 1))
    >>> judge, good, other = (truth + 0.5 * rng.normal(size=(1000, 1)) for _ in range(3))
    >>> round(representation_share(judge, [good], other), 1), representation_share(judge, [good], -other)
    (0.5, 0.05)
    """
    reference = float(np.mean([_correlation(judge, each) for each in plain]))
    ratio = _correlation(judge, representation) / max(reference, 1e-3)
    return float(np.clip(USUAL_SHARE + SLOPE * (ratio - 1), SMALLEST_SHARE, LARGEST_SHARE))


def _correlation(a: Float[ndarray, " n k"], b: Float[ndarray, " n k"]) -> float:
    """Return the rank correlation of two models' predictions; 0 if one of them is constant."""
    first, second = _ranks(a), _ranks(b)
    return float((first * second).mean())


def _ranks(p: Float[ndarray, " n k"]) -> Float64[ndarray, " m"]:
    ranks = rankdata(p[:, -1] if p.shape[1] < 3 else p)
    ranks -= ranks.mean()
    return np.asarray(ranks / (ranks.std() or 1.0))
