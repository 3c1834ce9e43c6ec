"""The semi-supervised regressor: pre-train on all rows, fine-tune on those whose target is known."""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import column_or_1d

from contramix.errors import InputError
from contramix.estimators.semisupervised import Semisupervised
from contramix.models.finetune_settings import FineTune
from contramix.models.task import Task


class ContrastiveRegressor(RegressorMixin, Semisupervised):  # type: ignore[misc]
    """Predict a quantity, from many rows of which few have a known target; the others have ``y = NaN``.

    Parameters are those of :class:`contramix.ContrastiveClassifier`, without ``class_weight``.

    Examples
    --------
    >>> import numpy as np
    >>> from contramix import ContrastiveRegressor
    >>> X = np.random.default_rng(0).normal(size=(300, 4))
    >>> y = np.where(np.arange(300) < 100, 2 * X[:, 0] + 5, np.nan)
    >>> model = ContrastiveRegressor("imix-npair", epochs=5, random_state=0).fit(X, y)
    >>> bool(model.score(X[100:], 2 * X[100:, 0] + 5) > 0.5)
    True
    """

    def fit(self, X: Any, y: Any) -> "ContrastiveRegressor":
        """Pre-train on all rows, and fine-tune on those with a target.

        Raises
        ------
        ValueError
            If the data, the targets or a setting is wrong (:class:`contramix.errors.InputError`).
        RuntimeError
            If the loss diverges.
        """
        values = np.asarray(column_or_1d(y, warn=True), np.float64)
        if np.isinf(values).any():
            raise InputError(f"Input y contains infinity (row {int(np.isinf(values).argmax()) + 1})")
        known = ~np.isnan(values)
        self._learn(X, values[known], known, Task("regression", "y"), np.empty(0), FineTune.of(self.finetune or {}))
        return self

    def predict(self, X: Any) -> Float[ndarray, " n"]:
        """The quantity for each row."""
        return self._scores(X)
