"""Fit L2-regularized linear models to few labeled rows, and store them as arrays."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Float64, Int, Shaped
from numpy import ndarray
from scipy.special import softmax

from contramix.models.task import Task
from contramix.predictors.feature_rows import FeatureRows
from contramix.predictors.labeled_rows import Fold, Targets
from contramix.predictors.regressions import Logistic, Ridge

STRENGTHS = tuple(float(f"{10 ** (power / 2):.2g}") for power in range(-8, 7))
"""Values of C, the inverse regularization strength, to choose from: 1e-4 to 1e3 in half decades."""
TOLERANCE, FINAL_TOLERANCE = 1e-3, 1e-6
"""Gradient tolerances of logistic regression: the first while choosing the regularization, the second for the final
fit."""
DEFAULT_STRENGTH = 0.01
"""Regularization if there are too few rows for folds."""
DEFAULT_FACTOR, FACTORS = 5.0, tuple(10 ** (power / 8) for power in range(-4, 17))
"""Factor of the outputs of least squares if there are too few rows for folds, and the factors to choose from."""
WORSE_IN_A_ROW = 2
"""Number of strengths in a row that are worse than the best one, after which weaker regularization is not tried."""


class LinearModel(NamedTuple):
    """Predict with a linear function of features, followed by softmax for classes.

    Parameters
    ----------
    weight, bias
        Weights of shape (classes, features), and the bias of each class; -inf for a class without training rows. For a
        numeric target there is one row.
    classes
        1 for classes, 0 for a numeric target.
    """

    weight: Float64[ndarray, " k d"]
    bias: Float64[ndarray, " k"]
    classes: Shaped[ndarray, ""]

    def __call__(self, x: Float32[ndarray, " n d"]) -> Float64[ndarray, " n k"]:
        """Return the class probabilities or numeric predictions (one column) of rows of features."""
        out = x.astype(np.float64) @ self.weight.T + self.bias
        return np.asarray(softmax(out, 1) if self.classes else out)


def fit_linear(
    targets: Targets, x: Float32[ndarray, " n d"], folds: list[Fold]
) -> tuple[LinearModel, Float64[ndarray, " repeats n k"]]:
    """Fit logistic regression, or ridge regression for a numeric target, with a strength chosen on folds.

    Parameters
    ----------
    targets
        Targets of the labeled rows.
    x
        Scaled features of the labeled rows.
    folds
        Folds of the labeled rows. If there are none, the strength is ``DEFAULT_STRENGTH``.

    Returns
    -------
    model, held_out
        Model that is fitted on all rows with the best strength, and cross-validated predictions with that strength, of
        shape (repeats, rows, classes or 1): those for a row come from models that were fitted without the row's fold.
    """
    task, y, weight = targets
    everything = np.arange(len(y))
    basis = span(FeatureRows(x, everything)) if len(x) < x.shape[1] else None
    z = x if basis is None else (x @ basis).astype(np.float32)

    def model(rows: Int[ndarray, " m"]) -> Any:
        if not task.classes:
            return Ridge(task, FeatureRows(z, rows), y[rows])
        return Logistic(task, FeatureRows(z, rows), y[rows], weight[rows])

    fits = [model(fold.train) for fold in folds]
    best, best_loss, held_out, waited = DEFAULT_STRENGTH, np.inf, empty_predictions(task, len(y), folds), 0
    for strength in STRENGTHS if folds else ():
        out = np.full_like(held_out, np.nan)
        for fold, fit in zip(folds, fits):
            predicted = fit.fit(strength, TOLERANCE).predict(FeatureRows(z, fold.held))
            out[fold.repeat, fold.held] = predicted.score if task.classes else predicted.value[:, None]
        loss = targets.loss(out)
        if loss < best_loss:
            best, best_loss, held_out, waited = strength, loss, out, 0
        elif (waited := waited + 1) == WORSE_IN_A_ROW:
            break
    final = model(everything).fit(best, FINAL_TOLERANCE)
    return _to_arrays(task, final, basis), held_out


def fit_least_squares(
    targets: Targets, x: Float32[ndarray, " n d"], folds: list[Fold]
) -> tuple[LinearModel, Float64[ndarray, " repeats n C"]]:
    """Fit ridge regression to the indicators of classes, and turn its outputs into class probabilities.

    With far fewer rows than features it is often better than logistic regression; ROCKET's authors use it too. The
    probabilities are the softmax of the outputs times a factor. The regularization strength is that with the smallest
    squared error on held-out rows, and the factor that with the smallest log loss.

    Parameters
    ----------
    targets
        Classes of the labeled rows.
    x
        Scaled features of the labeled rows.
    folds
        Folds of the labeled rows. If there are none, the strength is ``DEFAULT_STRENGTH`` and the factor
        ``DEFAULT_FACTOR``.

    Returns
    -------
    model, held_out
        As in :func:`fit_linear`.
    """
    outputs = [empty_predictions(targets.task, len(targets.y), folds) for _ in STRENGTHS]
    for fold in folds:
        solved = _solve_least_squares(targets.take(fold.train), x[fold.train])
        for out, (weight, bias) in zip(outputs, solved):
            out[fold.repeat, fold.held] = x[fold.held] @ weight.T + bias
    best, factor = STRENGTHS.index(DEFAULT_STRENGTH), DEFAULT_FACTOR
    if folds:
        truth = np.eye(len(targets.task.classes))[targets.y]
        best = int(np.argmin([_squared_error(targets, truth, out) for out in outputs]))
        factor = min(FACTORS, key=lambda tried: targets.loss(softmax(tried * outputs[best], -1)))
    weight, bias = _solve_least_squares(targets, x)[best]
    return LinearModel(factor * weight, factor * bias, np.asarray(1)), softmax(factor * outputs[best], -1)


def _squared_error(targets: Targets, truth: Float64[ndarray, " n C"], out: Float64[ndarray, " repeats n C"]) -> float:
    """Return the sum of squared errors of the outputs for held-out rows, with the weights of the rows.

    Outputs are NaN where a fold was left out, and -inf for a class without training rows; both are ignored.
    """
    error = np.where(np.isfinite(out), out - truth, 0.0)
    return float(((error**2).sum(2) * targets.weight * ~np.isnan(out[..., 0])).sum())


def _solve_least_squares(
    targets: Targets, x: Float32[ndarray, " n d"]
) -> list[tuple[Float64[ndarray, " C d"], Float64[ndarray, " C"]]]:
    """Return the weights and biases of ridge regressions to the indicators of classes, one for each strength.

    The bias of a class without rows is -inf.
    """
    share = targets.weight / targets.weight.sum()
    truth = np.eye(len(targets.task.classes))[targets.y]
    mean, rate = share @ x, share @ truth
    root = np.sqrt(targets.weight)[:, None]
    left, size, right = np.linalg.svd(root * (x - mean), full_matrices=False)
    moment = left.T @ (root * (truth - rate))
    found = []
    for strength in STRENGTHS:
        weight = (right.T @ ((size / (size**2 + 1 / strength))[:, None] * moment)).T
        found.append((weight, np.where(rate > 0, rate - weight @ mean, -np.inf)))
    return found


def empty_predictions(task: Task, rows: int, folds: list[Fold]) -> Float64[ndarray, " repeats n k"]:
    """Return an array for predictions of held-out rows, of shape (repeats, rows, classes or 1), filled with NaN."""
    repeats = max((fold.repeat + 1 for fold in folds), default=0)
    return np.full((repeats, rows, len(task.classes) or 1), np.nan)


def _to_arrays(task: Task, fitted: Any, basis: Float[ndarray, " d k"] | None) -> LinearModel:
    """Return a fitted model as arrays. Its weights are those of features times ``basis``, or of features if None."""
    if not task.classes:
        weight, bias = fitted.weight[None], np.array([fitted.intercept])
    else:
        own = fitted.weight if len(fitted.classes) != 2 else np.concatenate([0 * fitted.weight, fitted.weight])
        weight, bias = np.zeros((len(task.classes), own.shape[1] - 1)), np.full(len(task.classes), -np.inf)
        weight[fitted.classes], bias[fitted.classes] = own[:, :-1], own[:, -1]
    weight = weight if basis is None else weight @ basis.T
    return LinearModel(weight, bias, np.asarray(int(bool(task.classes))))


def span(rows: FeatureRows) -> Float[ndarray, " d k"]:
    """Return an orthonormal basis of the space that rows of features span, one column for each dimension.

    The weights of an L2-regularized linear model lie in the span of its training rows. A model of the rows' coordinates
    in this basis makes the same predictions, and is fitted faster if there are fewer rows than features.
    """
    _, size, basis = np.linalg.svd(rows[:], full_matrices=False)
    return np.asarray(basis[size > size[0] * np.finfo(np.float32).eps].T)
