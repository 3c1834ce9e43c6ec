"""Define ContrastiveClassifier, which pre-trains on all rows and learns from the labeled ones."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d
from torch import nn

from contramix.errors import InputError
from contramix.estimators.pretraining import BasePretrainingEstimator
from contramix.estimators.semisupervised import BaseSemiSupervisedEstimator
from contramix.models.finetune_settings import FineTune
from contramix.models.pretrained import Pretrained
from contramix.models.task import Task
from contramix.recipe import Recipe


class ContrastiveClassifier(ClassifierMixin, BaseSemiSupervisedEstimator):  # type: ignore[misc]
    """Train a semi-supervised classifier on rows of which only some have a label.

    First encoders are pre-trained on all rows, without labels. Then models that predict the label are trained on the
    labeled rows, from the representations of the encoders and from the columns themselves.

    Parameters
    ----------
    recipe : str, Path or Recipe, default="auto"
        Recipe of pre-training. ``"auto"`` is the recipe ``npair``; for tables there are then two encoders, one of
        numbers that are standardized and one of numbers that become normal quantiles. For vectors, with or without a
        backbone, there are three: of ``npair``, ``imix-npair`` and ``dacl-plus``.
    epochs, batch_size, overrides, encoder, backbone
        Number of epochs, batch size, changed settings of the recipe, module to train in place of its encoder, and
        pre-trained encoder that turns texts or images into vectors first;
        details in :class:`contramix.ContrastiveEncoder`.
    device, random_state, verbose
        Device to compute on, seed, and whether to show progress; details in :class:`contramix.ContrastiveEncoder`.
    pretrained : ContrastiveEncoder, Pretrained, str or Path, optional
        Fitted encoder, or the folder of a saved model or run, to use instead of pre-training new encoders. The
        labels must not have been among the columns that it was pre-trained on.
    head : {"auto", "linear", "finetune"}, default="auto"
        What is trained on the labeled rows. ``"auto"``: with fewer than 1,000 labeled rows a blend, which is a weighted
        mean of linear models and tree ensembles on the frozen representations and on the columns themselves; with more,
        the blend or fine-tuning, whichever predicts held-out rows better. ``"linear"``: a linear model on the frozen
        representation. ``"finetune"``: all weights of the encoder and a linear head.
    finetune : mapping, optional
        Settings of fine-tuning, such as ``{"epochs": 20, "lr": 3e-4}``, for ``head="finetune"``. See
        :class:`contramix.models.finetune_settings.FineTune`.
    class_weight : "balanced" or mapping, optional
        ``"balanced"`` gives each class the same total weight in the loss. A mapping gives a weight for each class
        label. By default all rows have the same weight.
    class_prior : "estimate" or mapping, optional
        Share of each class in the rows to predict, by class label, for labeled rows that were drawn per class. Class
        probabilities are adjusted by Bayes' rule. ``"estimate"`` estimates the shares from the unlabeled rows of
        ``fit`` (Saerens et al., 2002). By default the shares are those of the labeled rows, weighted by
        ``class_weight``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted class labels.
    model_ : Predictor
        Model that predicts: a :class:`contramix.predictors.blend_model.BlendModel`, or for a fine-tuned encoder a
        :class:`contramix.models.fine_tuned.FineTunedModel`. It holds everything that was learned.
    loss_curve_ : list of float
        Loss of pre-training the first encoder at the end of each epoch. Not set if ``pretrained`` is given.
    health_ : list of dict
        Measurements made while the first encoder was pre-trained, as in :class:`contramix.ContrastiveEncoder`. Not set
        if ``pretrained`` is given.
    n_features_in_ : int
        Number of columns seen during ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen during ``fit``. Not set if ``X`` is a table or an array without column names.

    Notes
    -----
    Rows with ``y = -1`` are unlabeled, as in ``sklearn.semi_supervised``, and so are rows with None, NaN or the text
    ``"-1"``. If all values of ``y`` are the numbers -1 and 1, then -1 is a class and all rows are labeled.

    Examples
    --------
    >>> import numpy as np
    >>> from contramix import ContrastiveClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 4))
    >>> y = np.where(X[:, 0] > 0, "high", "low").astype(object)
    >>> y[60:] = -1
    >>> model = ContrastiveClassifier("imix-npair", epochs=5, random_state=0).fit(X, y)
    >>> model.classes_.tolist(), model.predict_proba(X).shape
    (['high', 'low'], (300, 2))
    >>> bool(np.mean(model.predict(X) == np.where(X[:, 0] > 0, "high", "low")) > 0.8)
    True
    """

    def __init__(
        self,
        recipe: str | Path | Recipe = "auto",
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        overrides: Mapping[str, Any] | None = None,
        encoder: nn.Module | None = None,
        backbone: str | Callable[..., Any] | None = None,
        pretrained: "BasePretrainingEstimator | Pretrained | str | os.PathLike[str] | None" = None,
        head: Literal["auto", "linear", "finetune"] = "auto",
        finetune: Mapping[str, Any] | None = None,
        class_weight: Literal["balanced"] | Mapping[Any, Any] | None = None,
        class_prior: Literal["estimate"] | Mapping[Any, float] | None = None,
    ) -> None:
        super().__init__(
            recipe,
            epochs=epochs,
            batch_size=batch_size,
            device=device,
            random_state=random_state,
            verbose=verbose,
            overrides=overrides,
            encoder=encoder,
            backbone=backbone,
            pretrained=pretrained,
            head=head,
            finetune=finetune,
        )
        self.class_weight = class_weight
        self.class_prior = class_prior

    def fit(self, X: Any, y: Any) -> "ContrastiveClassifier":
        """Pre-train on all rows, and learn to predict the label from the labeled ones.

        Parameters
        ----------
        X
            Records in any container that :class:`contramix.ContrastiveEncoder` accepts.
        y
            Class label of each row; -1, None or NaN for unlabeled rows.

        Returns
        -------
        ContrastiveClassifier
            The estimator itself.

        Raises
        ------
        ValueError
            If the data, the labels or a setting are invalid (:class:`contramix.errors.InputError`).
        RuntimeError
            If the loss diverges.
        """
        values = column_or_1d(y, warn=True)
        is_known = is_labeled(values)
        given = _infer_dtype(values[is_known])
        check_classification_targets(given)
        self.classes_, numbers = np.unique(given, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"y has {len(self.classes_)} class besides unlabeled rows ({len(values) - is_known.sum()} of "
                f"{len(values)}); a classifier needs rows of at least 2 classes"
            )
        task = Task("classification", "y", tuple(str(label) for label in self.classes_))
        self._fit_labeled(
            X,
            numbers,
            is_known,
            task,
            self.classes_,
            FineTune.from_dict({**(self.finetune or {}), "class_weight": self.class_weight}),
            self.class_prior,
        )
        return self

    def predict_proba(self, X: Any) -> Float[ndarray, " n C"]:
        """Return the probability of each class for each row, with classes in the order of ``classes_``."""
        return self._predict_scores(X)

    def predict(self, X: Any) -> Shaped[ndarray, " n"]:
        """Return the most probable class of each row."""
        scores = self._predict_scores(X)
        return self.model_.decide(scores)


def is_labeled(y: Shaped[ndarray, " n"]) -> Bool[ndarray, " n"]:
    """Return a boolean array that is True for labeled rows.

    Rows with -1, None, NaN or the text "-1" are unlabeled. If all values are the numbers -1 and 1, then -1 is a class
    and all rows are labeled.

    Examples
    --------
    >>> is_labeled(np.array([0, -1, 2])).tolist(), is_labeled(np.array([-1, 1, 1])).tolist()
    ([True, False, True], [True, True, True])
    """
    values = y.tolist()
    absent = np.array([v is None or v != v for v in values], bool)
    marked = np.array([str(v) in ("-1", "-1.0") for v in values], bool)
    coded = y.dtype.kind in "if" and set(values) == {-1, 1}
    return np.asarray(~absent & (~marked | coded))


def _infer_dtype(y: Shaped[ndarray, " n"]) -> Shaped[ndarray, " n"]:
    """Convert labels in an object array to an array of their own type, such as int64.

    ``y`` holds the labels of labeled rows only. It is an object array if the user's labels included None or mixed text
    with -1. Arrays of text, and arrays of other types than object, are returned unchanged. An ``InputError`` is raised
    if some labels are text and others are not.
    """
    text = {isinstance(label, str) for label in y.tolist()}
    if len(text) > 1:
        raise InputError("y mixes text labels with labels of other types; convert all labels to one type")
    return y if y.dtype.kind != "O" or text == {True} else np.array(y.tolist())
