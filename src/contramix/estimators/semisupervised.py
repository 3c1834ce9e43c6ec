"""Define the base class of the classifier and the regressor, which pre-train and then fine-tune."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import nn

from contramix.estimators.pretraining import BasePretrainingEstimator
from contramix.models.fine_tuned import FineTunedModel
from contramix.models.finetuning import FineTune, fine_tune
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import resolve_device
from contramix.models.task import Task
from contramix.recipe import Recipe
from contramix.samples.samples import take
from contramix.training.progress import ConsoleReporter


class BaseSemiSupervisedEstimator(BasePretrainingEstimator):
    """Provide pre-training on all rows followed by fine-tuning on the rows with a known target.

    The parameters are described in :class:`contramix.ContrastiveClassifier`.
    """

    model_: FineTunedModel

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
        pretrained: "BasePretrainingEstimator | Pretrained | str | os.PathLike[str] | None" = None,
        finetune: Mapping[str, Any] | None = None,
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
        )
        self.pretrained = pretrained
        self.finetune = finetune

    def _fit_labeled(
        self,
        X: Any,
        y: Shaped[ndarray, " m"],
        is_known: Bool[ndarray, " n"],
        task: Task,
        labels: Shaped[ndarray, " C"],
        settings: FineTune,
    ) -> None:
        """Pre-train on all rows, fine-tune on the rows with a target, and set ``model_``.

        Pre-training is skipped if the parameter ``pretrained`` is given.

        Parameters
        ----------
        X
            All rows.
        y
            Class numbers or numeric targets of the rows where ``is_known`` is True, in their order.
        is_known
            Whether each row of ``X`` has a known target.
        task
            What is predicted: classes or a number.
        labels
            Class labels as the user gave them, in the order of the class numbers; empty for a numeric target.
        settings
            Settings of fine-tuning.
        """
        if self.pretrained is None:
            fit = self._prepare_fit(X)
            check_consistent_length(fit.x, is_known)
            model, x = fit.finish(self._run_pretraining(fit)), fit.x
        else:
            model = self._load_pretrained()
            x = model.spec.tensorize(self._read_table(X, model, reset=True))
            check_consistent_length(x, is_known)
        tuned = fine_tune(
            model.encoder,
            take(x, torch.from_numpy(np.flatnonzero(is_known))),
            y,
            task,
            settings,
            seed=self._draw_seed(),
            device=self.device,
            reporter=ConsoleReporter(quiet=not self.verbose),
        )
        self._set_model(FineTunedModel.from_network(model, tuned, labels))

    def _load_pretrained(self) -> Pretrained:
        """Return the model given as ``pretrained``; load it if a folder is given."""
        given = self.pretrained
        if isinstance(given, Pretrained):
            return given
        if isinstance(given, BasePretrainingEstimator):
            check_is_fitted(given, "model_")
            return given.model_
        return Pretrained.load(str(given), resolve_device(self.device))

    def _predict_scores(self, X: Any) -> Float[ndarray, " n *C"]:
        """Return class probabilities of shape (n, C), or numeric predictions of shape (n,), for the rows of X."""
        check_is_fitted(self, "model_")
        return self.model_.scores(self._read_table(X, self.model_))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
