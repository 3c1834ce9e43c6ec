"""The semi-supervised classifier: pre-train on all rows, fine-tune on the labelled ones."""

import os
from collections.abc import Mapping
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
from contramix.estimators.pretraining import Learner
from contramix.estimators.semisupervised import Semisupervised
from contramix.models.finetune_settings import FineTune
from contramix.models.pretrained import Pretrained
from contramix.models.task import Task
from contramix.recipe import Recipe


class ContrastiveClassifier(ClassifierMixin, Semisupervised):  # type: ignore[misc]
    """Classify rows, from many rows of which few are labelled.

    All rows pre-train an encoder; then the labelled ones train all of its weights, and a linear head.

    Parameters
    ----------
    recipe, epochs, batch_size, overrides, encoder
        How to pre-train, as in :class:`contramix.ContrastiveEncoder`.
    device, random_state, verbose
        As there.
    pretrained : ContrastiveEncoder, Pretrained, str or Path, optional
        A fitted encoder, or the folder of a model or a run: pre-training is skipped. It must not have seen the labels
        as a column.
    finetune : mapping, optional
        Settings of :class:`contramix.models.finetuning.FineTune`, such as ``{"epochs": 20, "lr": 3e-4}``.
    class_weight : "balanced" or mapping, optional
        ``"balanced"``: each class weighs the same; or weights by class, as in scikit-learn.

    Attributes
    ----------
    classes_ : ndarray
        The classes, sorted.
    model_ : FineTunedModel
        Encoder, head, specification of the columns, recipe.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Unlabelled rows have ``y = -1``, as in ``sklearn.semi_supervised``; None and NaN mean the same, and so does
    ``"-1"``, which numpy makes of it among text. Where the values are -1 and 1 and nothing else, -1 is a class.

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
        recipe: str | Path | Recipe = "imix-npair",
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool = False,
        overrides: Mapping[str, Any] | None = None,
        encoder: nn.Module | None = None,
        pretrained: "Learner | Pretrained | str | os.PathLike[str] | None" = None,
        finetune: Mapping[str, Any] | None = None,
        class_weight: Literal["balanced"] | Mapping[Any, Any] | None = None,
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
            pretrained=pretrained,
            finetune=finetune,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any) -> "ContrastiveClassifier":
        """Pre-train on all rows, and fine-tune on those with a label.

        Raises
        ------
        ValueError
            If the data, the labels or a setting is wrong (:class:`contramix.errors.InputError`).
        RuntimeError
            If the loss diverges.
        """
        values = column_or_1d(y, warn=True)
        labelled = is_labelled(values)
        given = _one_kind(values[labelled])
        check_classification_targets(given)
        self.classes_, numbers = np.unique(given, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"y has {len(self.classes_)} class besides unlabelled rows ({len(values) - labelled.sum()} of "
                f"{len(values)}); a classifier needs rows of at least 2 classes"
            )
        task = Task("classification", "y", tuple(str(label) for label in self.classes_))
        self._learn(
            X,
            numbers,
            labelled,
            task,
            self.classes_,
            FineTune.of({**(self.finetune or {}), "class_weight": self.class_weight}),
        )
        return self

    def predict_proba(self, X: Any) -> Float[ndarray, " n C"]:
        """The probability of each class, in the order of ``classes_``."""
        return self._scores(X)

    def predict(self, X: Any) -> Shaped[ndarray, " n"]:
        """The most probable class of each row."""
        scores = self._scores(X)
        return self.model_.decide(scores)


def is_labelled(y: Shaped[ndarray, " n"]) -> Bool[ndarray, " n"]:
    """Which rows have a label.

    Examples
    --------
    >>> is_labelled(np.array([0, -1, 2])).tolist(), is_labelled(np.array([-1, 1, 1])).tolist()
    ([True, False, True], [True, True, True])
    """
    values = y.tolist()
    absent = np.array([v is None or v != v for v in values], bool)
    marked = np.array([str(v) in ("-1", "-1.0") for v in values], bool)
    coded = y.dtype.kind in "if" and set(values) == {-1, 1}
    return np.asarray(~absent & (~marked | coded))


def _one_kind(y: Shaped[ndarray, " n"]) -> Shaped[ndarray, " n"]:
    """Labels that stood among None or -1 as objects, as what they are."""
    text = {isinstance(label, str) for label in y.tolist()}
    if len(text) > 1:
        raise InputError("y has labels of text and of other kinds; write all of them alike")
    return y if y.dtype.kind != "O" or text == {True} else np.array(y.tolist())
