"""Define the base class of the classifier and the regressor, which pre-train and then fine-tune."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Shaped
from numpy import ndarray
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted
from torch import nn

from contramix.errors import InputError, nearest
from contramix.estimators.pretraining import BasePretrainingEstimator
from contramix.models.class_shares import check_class_prior
from contramix.models.finetuning import FineTune
from contramix.models.predictor import Predictor
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import learn_spec, resolve_device
from contramix.models.task import Task
from contramix.predictors.few_labels import HEADS, default_recipes, fit_predictor, kind_of_data
from contramix.predictors.labeled_rows import Targets
from contramix.recipe import Recipe, resolve
from contramix.training.progress import ConsoleReporter

AUTO = "auto"
"""Value of ``recipe`` for the encoders that suit a few-label predictor best."""


class BaseSemiSupervisedEstimator(BasePretrainingEstimator):
    """Provide pre-training on all rows, followed by learning from the rows with a known target.

    The parameters are described in :class:`contramix.ContrastiveClassifier`.
    """

    model_: Predictor

    def __init__(
        self,
        recipe: str | Path | Recipe = AUTO,
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
        )
        self.pretrained = pretrained
        self.head = head
        self.finetune = finetune

    def _fit_labeled(
        self,
        X: Any,
        y: Shaped[ndarray, " m"],
        is_known: Bool[ndarray, " n"],
        task: Task,
        labels: Shaped[ndarray, " C"],
        settings: FineTune,
        class_prior: Mapping[Any, float] | str | None = None,
    ) -> None:
        """Pre-train on all rows, train a head on the rows with a target, and set ``model_``.

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
        class_prior
            Share of each class in the rows to predict, or ``"estimate"``; None: as among the labeled rows.
        """
        prior = None if class_prior is None else check_class_prior(class_prior, task.classes, labels)
        estimate = class_prior is not None and prior is None
        if estimate and is_known.all():
            raise InputError("class_prior='estimate' needs rows without labels, and all rows have one")
        self._check_head()
        encoders, table = self._pretrain_encoders(X, is_known)
        rows, seed = np.flatnonzero(is_known), self._draw_seed()
        targets = Targets.weighted(task, y, settings.class_weight)
        reporter = ConsoleReporter(quiet=not self.verbose)
        model = fit_predictor(
            *(encoders, table, rows, targets, labels, self.head, settings),
            seed=seed,
            device=self.device,
            reporter=reporter,
        )
        model.prior = prior
        if estimate:
            model.estimate_prior(table, np.flatnonzero(~is_known))
        self._set_model(model)

    def _check_head(self) -> None:
        """Raise an ``InputError`` if ``head`` is not known, or settings of fine-tuning are given for another head."""
        if self.head not in HEADS:
            raise InputError(f"head={self.head!r}: not known; {nearest(str(self.head), HEADS)}")
        if self.finetune and self.head != "finetune":
            raise InputError("finetune holds settings of fine-tuning; set head='finetune' with them")

    def _pretrain_encoders(self, X: Any, is_known: Bool[ndarray, " n"]) -> tuple[list[Pretrained], pa.Table]:
        """Pre-train the encoders on all rows, or take the one given as ``pretrained``; return them and the rows.

        With ``recipe="auto"`` there are several encoders for a table, but only one if all weights are fine-tuned, if
        the parameter ``encoder`` is given, or if ``overrides`` sets ``table.numeric``.
        """
        if self.pretrained is not None:
            model = self._load_pretrained()
            table = self._read_table(X, model, reset=True)
            check_consistent_length(np.empty(table.num_rows), is_known)
            return [model], table
        changes = self._recipe_changes()
        name = "npair" if self.recipe == AUTO else self.recipe
        recipes = [resolve(name, changes, X)]
        table = self._read_training_table(X, recipes[0])
        check_consistent_length(np.empty(table.num_rows), is_known)
        if self.recipe == AUTO and self.head != "finetune" and self.encoder is None and "table.numeric" not in changes:
            kind = recipes[0].domain
            if kind == "table" and any(pa.types.is_fixed_size_list(field.type) for field in table.schema):
                kind = kind_of_data(learn_spec(table, recipes[0])[0])
            further = default_recipes(kind)[1:]
            recipes += [resolve(other, {**changes, **more}, X, recipes[0].source_domain) for other, more in further]
        seed, models = self._draw_seed(), []
        for recipe in reversed(recipes):  # the first one last: ``loss_curve_`` and ``health_`` describe it
            fit = self._begin_fit(recipe, table, seed, notify=recipe is recipes[0])
            models.append(fit.finish(self._run_pretraining(fit)))
        return models[::-1], table

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
