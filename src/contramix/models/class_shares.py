"""Adjust class probabilities to the shares of the classes in the rows to predict, and estimate these shares."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Float64, Shaped
from numpy import ndarray

from contramix.errors import InputError, nearest

ESTIMATE = "estimate"
"""Value of a class prior that stands for shares that are estimated from rows without labels."""
STEPS, TOLERANCE = 1000, 1e-6
"""Maximum number of steps of the estimate, and the largest change of a share at which it stops."""


def adjust_probabilities(
    p: Float[ndarray, " n C"], shares: Float[ndarray, " C"], new_shares: Float[ndarray, " C"]
) -> Float64[ndarray, " n C"]:
    """Return class probabilities for rows in which the classes have other shares than in training (Bayes' rule).

    Parameters
    ----------
    p
        Class probabilities of each row, predicted by a model.
    shares, new_shares
        Share of each class in the model's training rows, and in the rows to predict.

    Examples
    --------
    >>> adjust_probabilities(np.array([[0.5, 0.5]]), np.array([0.5, 0.5]), np.array([0.9, 0.1])).round(3).tolist()
    [[0.9, 0.1]]
    """
    ratio = np.divide(new_shares, shares, out=np.ones(len(shares)), where=np.asarray(shares) > 0)
    weighted = p * ratio
    return np.asarray(weighted / np.maximum(weighted.sum(1, keepdims=True), 1e-300))


def estimate_shares(p: Float[ndarray, " n C"], shares: Float[ndarray, " C"]) -> Float64[ndarray, " C"]:
    """Estimate the share of each class in rows without labels from their predicted class probabilities.

    It is the maximum-likelihood estimate by expectation-maximization of Saerens et al. (Adjusting the outputs of a
    classifier to new a priori probabilities, Neural Computation 2002). It relies on well-calibrated probabilities, and
    on classes that look the same in training and here. Probabilities that are too uncertain, as those of a blend of few
    labels often are, make the estimate of a small share too small.

    Parameters
    ----------
    p
        Class probabilities of each row, predicted by a model.
    shares
        Share of each class in the model's training rows.

    Examples
    --------
    >>> p = np.repeat([[0.9, 0.1], [0.1, 0.9]], [90, 10], axis=0)
    >>> estimate_shares(p, np.array([0.5, 0.5])).round(2).tolist()
    [1.0, 0.0]
    >>> p = np.repeat([[0.99, 0.01], [0.01, 0.99]], [90, 10], axis=0)
    >>> estimate_shares(p, np.array([0.5, 0.5])).round(2).tolist()
    [0.91, 0.09]
    """
    found = np.asarray(shares, np.float64)
    for _ in range(STEPS):
        before, found = found, adjust_probabilities(p, shares, found).mean(0)
        if np.abs(found - before).max() < TOLERANCE:
            break
    return np.asarray(found)


def check_class_prior(
    prior: Mapping[Any, float] | str, classes: Sequence[str], labels: Shaped[ndarray, " C"]
) -> Float64[ndarray, " C"] | None:
    """Return the share of each class that a user has given, in the order of ``classes``; None for ``"estimate"``.

    Parameters
    ----------
    prior
        Share of each class by its name or label, or ``"estimate"``.
    classes, labels
        Names of the classes as text, and their labels, such as 1.0 for the class ``"1"``. Empty for a numeric target.

    Raises
    ------
    InputError
        If there are no classes, a class is missing or unknown, or the shares are not positive numbers that sum to 1.

    Examples
    --------
    >>> check_class_prior({"no": 0.9, "yes": 0.1}, ("no", "yes"), np.array(["no", "yes"])).tolist()
    [0.9, 0.1]
    """
    if not classes:
        raise InputError("`class_prior` is for classes, and the target is numeric")
    if isinstance(prior, str) and prior == ESTIMATE:
        return None
    if not isinstance(prior, Mapping):
        raise InputError(f"`class_prior` {prior}: give 'estimate', or the share of each class")
    name_of = {str(label): name for label, name in zip(labels.tolist(), classes)} | {name: name for name in classes}
    unknown = sorted(str(label) for label in prior if str(label) not in name_of)
    if unknown:
        raise InputError(f"`class_prior`: no class is called {unknown[0]!r}; {nearest(unknown[0], classes)}")
    given = {name_of[str(label)]: share for label, share in prior.items()}
    missing = [name for name in classes if name not in given]
    if missing:
        raise InputError(f"`class_prior`: the share of {missing[0]!r} is missing; give that of each class")
    try:
        shares = np.array([float(given[name]) for name in classes])
    except (TypeError, ValueError) as error:
        raise InputError(f"`class_prior`: a share is not a number ({error})") from error
    if not (shares > 0).all() or not np.isclose(shares.sum(), 1, atol=1e-3):
        raise InputError(f"`class_prior`: shares must be positive and sum to 1, not to {shares.sum():g}")
    return np.asarray(shares / shares.sum())
