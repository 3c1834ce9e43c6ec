"""The scikit-learn face: a transformer that learns representations without labels."""

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

from contramix.domains.table.frames import to_arrow
from contramix.domains.table.reading import read
from contramix.errors import ContramixWarning, InputError
from contramix.fitting import Fit, learn_columns, resolve_device
from contramix.pretrained import Pretrained
from contramix.progress import Titled
from contramix.randomness import Key
from contramix.recipe import Recipe
from contramix.training import State, pretrain


class ContrastiveEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Learn representations of rows from unlabelled rows, by mixing them.

    Parameters
    ----------
    recipe : str, Path or Recipe, default="imix-npair"
        What to train: a name (``contramix recipes`` lists them), a TOML file, or a :class:`Recipe`.
    epochs : int, optional
        Passes over the data. None: the recipe's; most say «auto», about 3,000 steps.
    batch_size : int, optional
        Rows a step, at most as many as there are. None: the recipe's; most say «auto», 512 or all rows.
    device : str, default="auto"
        ``"auto"`` takes a GPU if there is one; or ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
    random_state : int, RandomState or None
        An int gives the same bytes each time on the same machine, and the same as ``--seed`` on the command line.
    verbose : bool, default=False
        Show progress.
    overrides : mapping, optional
        Any setting of the recipe by its dotted name: ``{"noise.rate": 0.3, "encoder.width": 512}``.
    encoder : torch.nn.Module, optional
        A module of your own to train instead of the recipe's encoder: float32 (n, d) in, (n, k) out.

    Attributes
    ----------
    model_ : Pretrained
        Encoder, specification of the columns, recipe.
    loss_curve_ : list of float
        The loss at the end of each epoch.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    ``fit`` takes pandas, polars and Arrow frames with columns of any kind, numpy arrays, torch tensors, scipy
    sparse matrices (densified up to a limit) and paths of table files. Frames are handled as scikit-learn does:
    the same columns in the same order at ``transform``. ``y`` is ignored.

    Examples
    --------
    >>> import numpy as np
    >>> from contramix import ContrastiveEncoder
    >>> X = np.random.default_rng(0).normal(size=(64, 5))
    >>> Z = ContrastiveEncoder("imix-npair", epochs=2, random_state=0).fit_transform(X)
    >>> Z.shape, Z.dtype
    ((64, 256), dtype('float32'))
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
    ) -> None:
        self.recipe = recipe
        self.epochs = epochs
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state
        self.verbose = verbose
        self.overrides = overrides
        self.encoder = encoder

    def fit(self, X: Any, y: Any = None) -> "ContrastiveEncoder":
        """Learn the columns and pre-train.

        Raises
        ------
        ValueError
            If the data or a setting is wrong (:class:`contramix.errors.InputError` says what would be right).
        RuntimeError
            If the loss diverges.
        """
        fit = self._begin(X)
        self.loss_curve_: list[float] = []
        steps = fit.steps()
        for step in Titled(fit.recipe.name)(fit.plan, 0, steps) if self.verbose else steps:
            if step.step % fit.plan.steps_per_epoch == 0:
                self.loss_curve_.append(float(step.loss))
        self._keep(fit)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> "ContrastiveEncoder":
        """Go on for one pass over more rows, at the recipe's learning rate; the first call learns the columns."""
        if not hasattr(self, "model_"):
            fit = self._begin(X)
        else:
            x = self.model_.spec.tensorize(self._table(X, reset=False))
            fit = Fit.begin(self.model_.recipe, self.model_.spec, x, self._seed(), self.device, self.model_.encoder)
            fit.own_encoder = self.encoder is not None
            if self._state is not None:
                fit.state = State(self._state.objective.see(fit.x), self._state.optimizer)
        self._passes = getattr(self, "_passes", 0) + 1
        train = fit.recipe.train.model_copy(update={"schedule": "constant", "warmup_epochs": 0.0, "epochs": 1})
        for _ in pretrain(fit.x, fit.state, train, train.plan(len(fit.x)), Key(fit.seed, "pass", self._passes).seed):
            pass
        self._keep(fit)
        return self

    def transform(self, X: Any) -> Float32[ndarray, " n d"]:
        """The representation of each row: float32 (n, d)."""
        check_is_fitted(self, "model_")
        return self.model_.embed(self._table(X, reset=False))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the fitted model into a folder, without pickle; :func:`contramix.load` reads it."""
        check_is_fitted(self, "model_")
        self.model_.save(folder)

    def _begin(self, X: Any) -> Fit:
        overrides = dict(self.overrides or {})
        overrides |= {} if self.epochs is None else {"train.epochs": self.epochs}
        overrides |= {} if self.batch_size is None else {"train.batch_size": self.batch_size}
        recipe = Recipe.load(self.recipe, overrides)
        table = self._table(X, reset=True)
        spec, notes = learn_columns(table, recipe)
        for note in notes:
            warnings.warn(note, ContramixWarning, stacklevel=3)
        # A fitted encoder is never the module that was given, so that fitting again begins anew.
        module = None if self.encoder is None else deepcopy(self.encoder)
        self._passes = 0
        return Fit.begin(recipe, spec, spec.tensorize(table), self._seed(), self.device, module)

    def _keep(self, fit: Fit) -> None:
        self.model_ = fit.finish()
        named = hasattr(self, "feature_names_in_")
        names = self.feature_names_in_.tolist() if named else [f"x{n}" for n in range(self.n_features_in_)]
        self.model_.facts |= {"features": names, "named": named}
        # The optimiser goes on in partial_fit; the training rows are not kept.
        self._state: State | None = State(fit.state.objective.see(None), fit.state.optimizer)

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _table(self, X: Any, reset: bool) -> pa.Table:
        if isinstance(X, str | os.PathLike):
            X = (read(X) if reset else self.model_.read(X)).table
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
        if reset:
            return table
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


def load(folder: str | os.PathLike[str], device: str = "cpu", encoder: nn.Module | None = None) -> ContrastiveEncoder:
    """Read a saved model or a finished run as a fitted :class:`ContrastiveEncoder`.

    Parameters
    ----------
    folder
        What ``enc.save(folder)`` or ``contramix pretrain --out folder`` wrote.
    device
        Where the encoder shall lie.
    encoder
        For a model trained around a module of your own: that module, built anew.

    Raises
    ------
    ValueError
        If it is not a whole model, or is damaged.
    """
    model = Pretrained.load(folder, resolve_device(device), encoder)
    loaded = ContrastiveEncoder(model.recipe, device=device, random_state=model.facts.get("seed"), encoder=encoder)
    loaded.model_ = model
    names = model.facts.get("features") or [c.name for c in model.spec.columns]
    loaded.n_features_in_ = len(names)
    if model.facts.get("named", True):
        loaded.feature_names_in_ = np.asarray(names, dtype=object)
    loaded._state = None
    return loaded
