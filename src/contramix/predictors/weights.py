"""Choose the weights of a blend, from held-out rows with labels and from rows without labels."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import rankdata

from contramix.predictors.labeled_rows import Targets

PRIOR_ROWS = 5.0
"""Weight of the prior, in labeled rows: with as many rows, prior and rows count alike. It was chosen on held-out rows
of eight tables (docs/findings/0034)."""
USUAL_SHARE, SLOPE = 0.5, 3.0
"""Weight of all parts on representations if they agree with the judge as much as the other parts do, and its change
with the ratio of the agreements. Both were chosen on held-out rows of eight tables (docs/findings/0034)."""
SHARPNESS_ROWS = 20.0
"""Weight of the prior that probabilities are as certain as they should be. It was chosen on held-out rows of three
tables and seven other data sets (docs/findings/0034)."""
SMALLEST_SHARE, LARGEST_SHARE = 0.05, 0.7
"""Limits of the weight of all parts on representations."""


def blend_weights(
    targets: Targets,
    held_out: Sequence[Float[ndarray, " repeats n k"]],
    prior: Float[ndarray, " parts"],
) -> Float64[ndarray, " parts"]:
    """Return weights for averaging the predictions of several models, shrunk towards prior weights.

    The weights minimize a loss of the averaged predictions for held-out rows: the negative log-likelihood of classes,
    or of a numeric target with normal errors of unknown variance. To this is added ``-PRIOR_ROWS * sum(prior *
    log(weights))``, so that no weight becomes zero. Weights are positive, and their sum is 1.

    Parameters
    ----------
    targets
        Targets of the labeled rows.
    held_out
        For each model, its cross-validated predictions for the labeled rows, of shape (repeats, rows, classes or 1):
        those for a row come from a fit without the row's fold. NaN where a fold was left out.
    prior
        Weight of each model if there were no data. Their sum is 1.

    Examples
    --------
    >>> from contramix.models.task import Task
    >>> targets = Targets(Task("classification", "y", ("a", "b")), np.arange(100) % 2, np.ones(100))
    >>> good = np.where(np.eye(2)[targets.y] == 1, 0.9, 0.1)[None]
    >>> blend_weights(targets, [good, np.full((1, 100, 2), 0.5)], np.array([0.5, 0.5])).round(2).tolist()
    [0.95, 0.05]
    """
    stacked = np.stack(held_out)
    known = ~np.isnan(stacked[0, :, :, 0])
    if not known.any():
        return np.asarray(prior, np.float64)
    rows = known.sum() / len(known)
    row_weight = np.broadcast_to(targets.weight, known.shape)[known]
    row_weight = row_weight / row_weight.sum()
    if targets.task.classes:
        truth = targets.likelihoods(stacked)[:, known]
    else:
        error = (stacked[..., 0] - targets.y)[:, known]

    def loss(free: Float64[ndarray, " parts"]) -> tuple[float, Float64[ndarray, " parts"]]:
        weight = np.exp(free - free.max())
        weight /= weight.sum()
        if targets.task.classes:
            mean = weight @ truth
            total, slope = -np.log(mean) @ row_weight, -(truth / mean) @ row_weight
        else:
            mean = weight @ error
            square = mean**2 @ row_weight + 1e-12
            total, slope = 0.5 * np.log(square), (error * mean) @ row_weight / square
        total = rows * total - PRIOR_ROWS * float(prior @ np.log(np.maximum(weight, 1e-300)))
        slope = rows * slope - PRIOR_ROWS * prior / np.maximum(weight, 1e-300)
        return total, weight * (slope - weight @ slope)

    found = minimize(loss, np.log(prior), jac=True, method="L-BFGS-B").x
    weight = np.exp(found - found.max())
    return np.asarray(weight / weight.sum())


def learn_sharpness(targets: Targets, held_out: Float[ndarray, " repeats n C"]) -> float:
    """Return the exponent that makes the averaged class probabilities as certain as they should be.

    A mean of several models is less certain than it could be, since each is wrong in its own way. The exponent
    minimizes the log loss of predictions of held-out rows, shrunk towards 1: ``SHARPNESS_ROWS * log(exponent) ** 2`` is
    added to the sum of losses.

    Parameters
    ----------
    targets
        Classes of the labeled rows.
    held_out
        Averaged cross-validated class probabilities of the labeled rows; NaN where a fold was left out.

    Examples
    --------
    >>> from contramix.models.task import Task
    >>> targets = Targets(Task("classification", "y", ("a", "b")), np.arange(200) % 2, np.ones(200))
    >>> timid = np.where(np.eye(2)[targets.y] == 1, 0.6, 0.4)[None]
    >>> learn_sharpness(targets, timid) > 2
    True
    """
    known = ~np.isnan(held_out[..., 0])
    if not known.any():
        return 1.0
    rows = known.sum() / len(held_out)

    def loss(logarithm: float) -> float:
        total = rows * targets.loss(sharpen(held_out, float(np.exp(logarithm)))) + SHARPNESS_ROWS * logarithm**2
        return float(total)

    return float(np.exp(minimize_scalar(loss, bounds=(-1.5, 1.5), method="bounded").x))


def sharpen(probabilities: Float[ndarray, " *batch C"], exponent: float) -> Float64[ndarray, " *batch C"]:
    """Return class probabilities raised to a power and scaled to sum 1. Zeros stay zeros."""
    total = probabilities.sum(-1, keepdims=True)
    raised = (probabilities / total) ** exponent
    return np.asarray(raised / raised.sum(-1, keepdims=True))


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
