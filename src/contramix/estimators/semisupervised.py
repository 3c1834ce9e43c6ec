"""What the estimators share that learn from few labels: pre-train on all rows, fine-tune on the labelled ones."""

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

from contramix.estimators.pretraining import Learner
from contramix.models.fine_tuned import FineTunedModel
from contramix.models.finetuning import FineTune, fine_tune
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import resolve_device
from contramix.models.task import Task
from contramix.recipe import Recipe
from contramix.samples.samples import take
from contramix.training.progress import ConsoleReporter


class Semisupervised(Learner):
    """Learns from all rows, and from the labels of some; parameters: see :class:`contramix.ContrastiveClassifier`."""

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
        pretrained: "Learner | Pretrained | str | os.PathLike[str] | None" = None,
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

    def _learn(
        self,
        X: Any,
        y: Shaped[ndarray, " m"],
        labelled: Bool[ndarray, " n"],
        task: Task,
        labels: Shaped[ndarray, " C"],
        settings: FineTune,
    ) -> None:
        """Pre-train on all rows, unless that is done, and fine-tune on the labelled ones; ``y`` is theirs."""
        if self.pretrained is None:
            fit = self._begin(X)
            check_consistent_length(fit.x, labelled)
            model, x = fit.finish(self._pretrain(fit)), fit.x
        else:
            model = self._given()
            x = model.spec.tensorize(self._table(X, model, reset=True))
            check_consistent_length(x, labelled)
        tuned = fine_tune(
            model.encoder,
            take(x, torch.from_numpy(np.flatnonzero(labelled))),
            y,
            task,
            settings,
            seed=self._seed(),
            device=self.device,
            reporter=ConsoleReporter(quiet=not self.verbose),
        )
        self._keep(FineTunedModel.of(model, tuned, labels))

    def _given(self) -> Pretrained:
        given = self.pretrained
        if isinstance(given, Pretrained):
            return given
        if isinstance(given, Learner):
            check_is_fitted(given, "model_")
            return given.model_
        return Pretrained.load(str(given), resolve_device(self.device))

    def _scores(self, X: Any) -> Float[ndarray, " n *C"]:
        check_is_fitted(self, "model_")
        return self.model_.scores(self._table(X, self.model_))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
