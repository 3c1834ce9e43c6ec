"""Choose the weights of a blend from predictions of held-out rows."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64
from numpy import ndarray
from scipy.optimize import minimize

from contramix.predictors.targets import Targets

PRIOR_ROWS = 5.0
"""Weight of the prior, in labeled rows: with as many rows, prior and rows count alike. It was chosen on held-out rows
of eight tables (docs/evaluation.md)."""


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
