"""What the scikit-learn estimators share: their settings, rows in any container, and pre-training."""

import os
import warnings
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float32
from numpy import ndarray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn

from contramix.domains import DOMAINS, Spec
from contramix.errors import ContramixWarning, InputError
from contramix.io.options import ReadOptions
from contramix.io.records import Records
from contramix.io.tables.frames import to_arrow
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import Fit, learn_spec
from contramix.monitoring.alarms import Alarms
from contramix.monitoring.data_rank import data_rank
from contramix.monitoring.health import Health
from contramix.recipe import Recipe, resolve
from contramix.training.progress import ConsoleReporter


class Learner(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Pre-trains on rows, and represents rows. The parameters are those of :class:`contramix.ContrastiveEncoder`."""

    model_: Pretrained

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
    ) -> None:
        self.recipe = recipe
        self.epochs = epochs
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.overrides = overrides
        self.encoder = encoder

    def transform(self, X: Any) -> Float32[ndarray, " n d"]:
        """The representation of each row: float32 (n, d)."""
        check_is_fitted(self, "model_")
        return self.model_.embed(self._table(X, self.model_))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the fitted model into a folder, without pickle; :func:`contramix.load` reads it."""
        check_is_fitted(self, "model_")
        self.model_.save(folder)

    def _begin(self, X: Any) -> Fit:
        overrides = dict(self.overrides or {})
        overrides |= {} if self.epochs is None else {"train.epochs": self.epochs}
        overrides |= {} if self.batch_size is None else {"train.batch_size": self.batch_size}
        recipe = resolve(self.recipe, overrides, X)
        reading = self._reading(X, recipe)
        table = reading.training
        spec, notes = learn_spec(table, recipe)
        bad = [f"{file}: {reason}; left out" for file, reason in reading.bad_files]
        for note in (*reading.notes, *notes, *bad):
            warnings.warn(note, ContramixWarning, stacklevel=3)
        # A fitted encoder is never the module that was given, so that fitting again begins anew.
        module = None if self.encoder is None else deepcopy(self.encoder)
        return Fit.begin(recipe, spec, spec.tensorize(table), self._seed(), self.device, module)

    def _pretrain(self, fit: Fit) -> dict[str, Any]:
        """Take all steps; return facts on them for the model."""
        self.loss_curve_: list[float] = []
        health, alarms = Health(fit), Alarms(fit)
        reporter = ConsoleReporter(quiet=not self.verbose)
        for step in reporter.steps(fit.recipe.name, fit.plan, 0, fit.steps()):
            if step.step % fit.plan.steps_per_epoch == 0:
                self.loss_curve_.append(float(step.loss))
            for alarm in alarms.update(health.read(step)) if step.step in health.due else ():
                warnings.warn(str(alarm), ContramixWarning, stacklevel=3)
        self.health_ = [reading.flat() for reading in alarms.readings]
        return alarms.facts() | {"data_rank": data_rank(fit.encoder, fit.x, fit.spec.layout())}

    def _keep(self, model: Pretrained) -> None:
        named = hasattr(self, "feature_names_in_")
        names = self.feature_names_in_.tolist() if named else [f"x{n}" for n in range(self.n_features_in_)]
        model.facts |= {"features": names, "named": named}
        self.model_ = model

    def _restore(self, model: Pretrained) -> None:
        """Be as after the fit that gave a saved model."""
        names = model.facts.get("features") or [name for kind in model.spec.kinds.values() for name in kind]
        self.n_features_in_ = len(names)
        if model.facts.get("named", True):
            self.feature_names_in_ = np.asarray(names, dtype=object)
        self.model_ = model

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _reading(self, X: Any, recipe: Recipe, like: Spec | None = None, reset: bool = True) -> Records:
        """The records in X, in the form of a fitted model's, ``like``, or to be learned from."""
        domain = DOMAINS[recipe.domain]
        if isinstance(X, str | os.PathLike):
            reading = domain.read(X, ReadOptions(), recipe.data, like)
        elif domain.content is None:
            return Records(self._checked(X, reset))
        else:
            reading = domain.from_values(X, recipe.data, like)
        if domain.content is None:
            return Records(self._checked(reading.table, reset), reading.notes)
        if reset:
            self.n_features_in_, self.feature_names_in_ = 1, np.array([domain.content.name], dtype=object)
        return reading

    def _table(self, X: Any, model: Pretrained, reset: bool = False) -> pa.Table:
        """The records in X, in the form of a fitted model's."""
        reading = self._reading(X, model.recipe, model.spec, reset)
        for bad in reading.bad_files:
            raise InputError(f"{bad.file}: {bad.reason}; each record gets a row, so leave it out")
        return reading.table

    def _checked(self, X: Any, reset: bool) -> pa.Table:
        """Rows of a table in any container, with scikit-learn's checks."""
        if isinstance(X, Tensor):
            X = X.detach().cpu().numpy()
        framed = hasattr(X, "column_names") or hasattr(X, "columns")
        if framed:
            validate_data(self, X, reset=reset, skip_check_array=True)
            _at_least(X.shape, 2 if reset else 1)
        else:
            X = validate_data(
                self,
                X,
                reset=reset,
                dtype=None,
                accept_sparse=True,
                ensure_all_finite=False,
                ensure_min_samples=2 if reset else 1,
            )
        table = to_arrow(X)
        # As in scikit-learn, names that are not text are none.
        trained = self.feature_names_in_ if hasattr(self, "feature_names_in_") else None
        names = [f"x{n}" for n in range(self.n_features_in_)] if trained is None else list(trained)
        return table.rename_columns([str(name) for name in names])

    @property
    def _n_features_out(self) -> int:
        return self.model_.encoder.width

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _at_least(shape: tuple[int, ...], rows: int) -> None:
    if shape[0] < rows:
        raise InputError(f"Found {shape[0]} sample(s) (shape={shape}) while a minimum of {rows} is required.")
    if shape[1] < 1:
        raise InputError(f"Found 0 feature(s) (shape={shape}) while a minimum of 1 is required.")
