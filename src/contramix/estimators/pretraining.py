"""Define the base class of the scikit-learn estimators, which validates data and pre-trains encoders."""

import os
import warnings
from collections.abc import Callable, Mapping
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

from contramix.backbones import register_function
from contramix.domains import DOMAINS, Spec
from contramix.errors import ContramixWarning, InputError
from contramix.io.options import ReadOptions
from contramix.io.records import Records
from contramix.io.tables.frames import to_arrow
from contramix.models import reading
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import Fit, learn_spec
from contramix.monitoring.alarms import Alarms
from contramix.monitoring.data_rank import data_rank
from contramix.monitoring.health import Health
from contramix.recipe import Recipe, resolve
from contramix.training.progress import ConsoleReporter


class BasePretrainingEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Provide pre-training, ``transform`` and ``save`` for all estimators.

    The parameters are described in :class:`contramix.ContrastiveEncoder`.
    """

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
        backbone: str | Callable[..., Any] | None = None,
    ) -> None:
        self.recipe = recipe
        self.epochs = epochs
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.overrides = overrides
        self.encoder = encoder
        self.backbone = backbone

    def transform(self, X: Any) -> Float32[ndarray, " n d"]:
        """Return the representation of each record, as a float32 array of shape (n, d).

        ``X`` is in any container that ``fit`` accepts.
        """
        check_is_fitted(self, "model_")
        return self.model_.embed(self._read_table(X, self.model_))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Save the fitted model to a folder, without pickle. :func:`contramix.load` loads it."""
        check_is_fitted(self, "model_")
        self.model_.save(folder)

    def _prepare_fit(self, X: Any) -> Fit:
        """Resolve the recipe, read X and learn its columns, and return a pre-training that is ready to run.

        The :class:`Fit` holds the training samples, networks with initial weights, and the optimizer. Notes about the
        data, such as files that cannot be read and are left out, are issued as warnings.
        """
        recipe = resolve(self.recipe, self._recipe_changes(), X)
        return self._begin_fit(recipe, self._read_training_table(X, recipe), self._draw_seed())

    def _recipe_changes(self) -> dict[str, Any]:
        """Return the settings of the recipe that the estimator's parameters change, such as ``overrides``."""
        overrides = dict(self.overrides or {})
        if self.backbone is not None:
            overrides["backbone.name"] = (
                self.backbone if isinstance(self.backbone, str) else register_function(self.backbone)
            )
        overrides |= {} if self.epochs is None else {"train.epochs": self.epochs}
        return overrides | ({} if self.batch_size is None else {"train.batch_size": self.batch_size})

    def _read_training_table(self, X: Any, recipe: Recipe) -> pa.Table:
        """Read the training records in X, and issue notes about them as warnings."""
        records = self._read_records(X, recipe)
        bad = [f"{file}: {reason}; left out" for file, reason in records.bad_files]
        for note in (*records.notes, *bad):
            warnings.warn(note, ContramixWarning, stacklevel=4)
        return records.training

    def _begin_fit(self, recipe: Recipe, table: pa.Table, seed: int, notify: bool = True) -> Fit:
        """Learn the columns of a table, and return a pre-training with initial weights.

        If ``notify`` is True, notes about the columns are issued as warnings.
        """
        spec, notes = learn_spec(table, recipe)
        for note in notes if notify else ():
            warnings.warn(note, ContramixWarning, stacklevel=4)
        # Train a copy of the given module, so that fitting again starts from the same weights.
        module = None if self.encoder is None else deepcopy(self.encoder)
        return Fit.begin(recipe, spec, spec.tensorize(table), seed, self.device, module)

    def _run_pretraining(self, fit: Fit) -> dict[str, Any]:
        """Run all training steps, issue alarms as warnings, and set ``loss_curve_`` and ``health_``.

        Returns
        -------
        dict
            Entries to store with the model: ``alarms`` (problems found during training), ``health`` (the last
            measurements) and ``data_rank`` (effective rank of the training data).
        """
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

    def _set_model(self, model: Pretrained) -> None:
        """Set ``model_``, and store the names of the columns in it for :func:`contramix.load`."""
        named = hasattr(self, "feature_names_in_")
        names = self.feature_names_in_.tolist() if named else [f"x{n}" for n in range(self.n_features_in_)]
        model.facts |= {"features": names, "named": named}
        self.model_ = model

    def _set_loaded_model(self, model: Pretrained) -> None:
        """Set the fitted attributes, such as ``model_`` and ``n_features_in_``, from a saved model."""
        names = model.facts.get("features") or model.spec.input_columns
        self.n_features_in_ = len(names)
        if model.facts.get("named", True):
            self.feature_names_in_ = np.asarray(names, dtype=object)
        self.model_ = model

    def _draw_seed(self) -> int:
        """Return ``random_state`` if it is an int; otherwise draw an int below 2^31 - 1 from the random state."""
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _read_records(self, X: Any, recipe: Recipe, fitted_spec: Spec | None = None, reset: bool = True) -> Records:
        """Read the records in X, and return them with notes for the user and the files that cannot be read.

        Parameters
        ----------
        X
            Path of a file or folder, or the records themselves, such as an array or a table.
        recipe
            Recipe that names the domain and its data settings.
        fitted_spec
            Specification that a fitted model learned from its training data, which the records have to match. None: the
            records are training data.
        reset
            Whether to set ``n_features_in_`` and ``feature_names_in_``, as in scikit-learn. If not, the columns of a
            table have to match these attributes.
        """
        domain, is_path = DOMAINS[recipe.source_domain], isinstance(X, str | os.PathLike)
        if domain.content is None:
            read = domain.read(X, ReadOptions(), recipe.data, fitted_spec) if is_path else None
            table = self._validate_table(X if read is None else read.table, reset)
            notes = () if read is None else read.notes
            return reading.encode_columns(Records(table, notes), recipe, fitted_spec=fitted_spec)
        if is_path:
            records = reading.read(recipe, X, fitted_spec=fitted_spec)
        else:
            records = reading.from_values(recipe, X, fitted_spec)
        if reset:
            self.n_features_in_, self.feature_names_in_ = 1, np.array([domain.content.name], dtype=object)
        return records

    def _read_table(self, X: Any, model: Pretrained, reset: bool = False) -> pa.Table:
        """Read the records in X as a table of inputs for a fitted model.

        Parameters
        ----------
        X
            Path of a file or folder, or the records themselves, such as an array or a table.
        model
            Fitted model, whose columns the records must have.
        reset
            Whether to set ``n_features_in_`` and ``feature_names_in_``, as in scikit-learn. If not, the columns of a
            table have to match these attributes.

        Raises
        ------
        InputError
            If a file of X cannot be read. It is not left out, because the result must have one row for each record.
        """
        records = self._read_records(X, model.recipe, model.spec, reset)
        for bad in records.bad_files:
            raise InputError(
                f"{bad.file}: {bad.reason}; each record gets a row in the result, therefore leave this file out"
            )
        return records.table

    def _validate_table(self, X: Any, reset: bool) -> pa.Table:
        """Check a table or an array as scikit-learn does, and convert it to an Arrow table.

        If ``reset`` is True, ``n_features_in_`` and ``feature_names_in_`` are set; otherwise the columns have to match
        these attributes. Columns without names, or with names that are not text, are called x0, x1 and so on.
        """
        if isinstance(X, Tensor):
            X = X.detach().cpu().numpy()
        framed = hasattr(X, "column_names") or hasattr(X, "columns")
        if framed:
            validate_data(self, X, reset=reset, skip_check_array=True)
            _check_min_shape(X.shape, 2 if reset else 1)
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
        # As in scikit-learn, column names that are not text are ignored.
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


def _check_min_shape(shape: tuple[int, ...], min_rows: int) -> None:
    """Raise an error if a table of this shape has fewer rows than ``min_rows``, or no columns."""
    if shape[0] < min_rows:
        raise InputError(f"Found {shape[0]} sample(s) (shape={shape}) while a minimum of {min_rows} is required.")
    if shape[1] < 1:
        raise InputError(f"Found 0 feature(s) (shape={shape}) while a minimum of 1 is required.")
