"""Define ContrastiveRegressor, which pre-trains on all rows and learns from those with a known target."""

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

    First encoders are pre-trained on all rows, without targets. Then models that predict the target are trained on the
    rows with a target, from the representations of the encoders and from the columns themselves. In rows without a
    known target, ``y`` is NaN.

    Parameters
    ----------
    recipe : str, Path or Recipe, default="auto"
        Recipe of pre-training. ``"auto"`` is the recipe ``npair``; for tables there are then two encoders, one of
        numbers that are standardized and one of numbers that become normal quantiles.
    epochs, batch_size, overrides, encoder, backbone
        Number of epochs, batch size, changed settings of the recipe, module to train in place of its encoder, and
        pre-trained encoder that turns texts or images into vectors first;
        details in :class:`contramix.ContrastiveEncoder`.
    device, random_state, verbose
        Device to compute on, seed, and whether to show progress; details in :class:`contramix.ContrastiveEncoder`.
    pretrained : ContrastiveEncoder, Pretrained, str or Path, optional
        Fitted encoder, or the folder of a saved model or run, to use instead of pre-training new encoders. The
        target must not have been among the columns that it was pre-trained on.
    head : {"auto", "linear", "finetune"}, default="auto"
        What is trained on the labeled rows. ``"auto"``: with fewer than 1,000 labeled rows a blend, which is a weighted
        mean of linear models and tree ensembles on the frozen representations and on the columns themselves; with more,
        the blend or fine-tuning, whichever predicts held-out rows better. ``"linear"``: a linear model on the frozen
        representation. ``"finetune"``: all weights of the encoder and a linear head.
    finetune : mapping, optional
        Settings of fine-tuning, such as ``{"epochs": 20, "lr": 3e-4}``, for ``head="finetune"``. See
        :class:`contramix.models.finetune_settings.FineTune`.

    Attributes
    ----------
    model_ : Predictor
        Model that predicts: a :class:`contramix.predictors.blend_model.BlendModel`, or for a fine-tuned encoder a
        :class:`contramix.models.fine_tuned.FineTunedModel`. It holds everything that was learned.
    loss_curve_, health_
        Loss at the end of each epoch, and measurements made while the first encoder was pre-trained, as in
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
        """Pre-train on all rows, and learn to predict the target from those that have one.

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
        if not known.any():
            raise InputError("y: there are no labeled rows: all values are NaN")
        self._fit_labeled(
            X, values[known], known, Task("regression", "y"), np.empty(0), FineTune.from_dict(self.finetune or {})
        )
        return self

    def predict(self, X: Any) -> Float[ndarray, " n"]:
        """Return the predicted target of each row."""
        return self._predict_scores(X)
