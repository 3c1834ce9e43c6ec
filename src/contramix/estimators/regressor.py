"""Define ContrastiveRegressor, which pre-trains on all rows and fine-tunes on those with a known target."""

from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from sklearn.base import RegressorMixin
from sklearn.utils.validation import column_or_1d

from contramix.errors import InputError
from contramix.estimators.semisupervised import BaseSemiSupervisedEstimator
from contramix.models.finetune_settings import FineTune
from contramix.models.task import Task


class ContrastiveRegressor(RegressorMixin, BaseSemiSupervisedEstimator):  # type: ignore[misc]
    """Train a semi-supervised regressor on rows of which only some have a known target.

    First an encoder is pre-trained on all rows, without targets. Then the encoder and a linear head are fine-tuned on
    the rows with a target. In rows without a known target, ``y`` is NaN.

    Parameters
    ----------
    recipe, epochs, batch_size, overrides, encoder
        Recipe of pre-training, number of epochs, batch size, changed settings of the recipe, and module to train in
        place of its encoder; details in :class:`contramix.ContrastiveEncoder`.
    device, random_state, verbose
        Device to compute on, seed, and whether to show progress; details in :class:`contramix.ContrastiveEncoder`.
    pretrained : ContrastiveEncoder, Pretrained, str or Path, optional
        Fitted encoder, or the folder of a saved model or run, to fine-tune instead of pre-training a new encoder. The
        target must not have been among the columns that it was pre-trained on.
    finetune : mapping, optional
        Settings of fine-tuning, such as ``{"epochs": 20, "lr": 3e-4}``. See
        :class:`contramix.models.finetune_settings.FineTune`.

    Attributes
    ----------
    model_ : Predictor
        Fine-tuned model, which holds the encoder, the head, the recipe and what was learned about the columns.
    loss_curve_, health_
        Loss of pre-training at the end of each epoch, and measurements made during pre-training, as in
        :class:`contramix.ContrastiveEncoder`. Not set if ``pretrained`` is given.
    n_features_in_, feature_names_in_
        Number and names of the columns seen during ``fit``. The names are not set if ``X`` has no column names.

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
        """Pre-train on all rows and fine-tune on those with a target.

        Parameters
        ----------
        X
            Records in any container that :class:`contramix.ContrastiveEncoder` accepts.
        y
            Numeric target of each row; NaN if it is unknown.

        Returns
        -------
        ContrastiveRegressor
            The estimator itself.

        Raises
        ------
        ValueError
            If the data, the targets or a setting are invalid (:class:`contramix.errors.InputError`).
        RuntimeError
            If the loss diverges.
        """
        values = np.asarray(column_or_1d(y, warn=True), np.float64)
        if np.isinf(values).any():
            raise InputError(f"Input y contains infinity (row {int(np.isinf(values).argmax()) + 1})")
        known = ~np.isnan(values)
        self._fit_labeled(
            X, values[known], known, Task("regression", "y"), np.empty(0), FineTune.from_dict(self.finetune or {})
        )
        return self

    def predict(self, X: Any) -> Float[ndarray, " n"]:
        """Return the predicted target of each row."""
        return self._predict_scores(X)
