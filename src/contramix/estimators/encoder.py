"""Define ContrastiveEncoder, a scikit-learn transformer that learns without labels, and load saved models."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from contramix.backbones import register_function
from contramix.errors import InputError
from contramix.estimators.classifier import ContrastiveClassifier
from contramix.estimators.pretraining import BasePretrainingEstimator
from contramix.estimators.regressor import ContrastiveRegressor
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import Fit, noise_pool, resolve_device
from contramix.predictors.blend_model import load_predictor
from contramix.runtime.randomness import Key
from contramix.training.loop import State, pretrain


class ContrastiveEncoder(BasePretrainingEstimator):
    """Learn representations from unlabeled records by mixing them.

    Records are rows of a table, images, audio clips, time series, texts or graphs.

    Parameters
    ----------
    recipe : str, Path or Recipe, default="imix-npair"
        Method and settings of pre-training: the name of a recipe (``contramix recipes`` lists them), the path of a
        TOML file, or a :class:`Recipe`.
    epochs : int, optional
        Number of passes over the data. By default it is set by the recipe; in most recipes it is ``"auto"``, which
        means about 1,000 steps.
    batch_size : int, optional
        Number of records in a batch, at most the number of all records. By default it is set by the recipe; in most
        recipes it is ``"auto"``, which means 512, or all records if there are fewer.
    device : str, default="auto"
        Device to compute on, such as ``"cpu"``, ``"cuda"`` or ``"cuda:1"``. ``"auto"`` uses a GPU if there is one.
    random_state : int, RandomState or None
        Seed of everything random. The same int gives the same weights on the same machine. They are also the weights
        that the command line gives with this int as ``--seed``.
    verbose : bool, default=False
        Whether to show progress.
    overrides : mapping, optional
        Settings of the recipe to change, by their dotted names: ``{"noise.rate": 0.3, "encoder.width": 512}``.
    encoder : torch.nn.Module, optional
        Module to train in place of the recipe's encoder. It maps float32 inputs of shape (n, d), for images and audio
        (n, channels, height, width), to outputs of shape (n, k).
    backbone : str or callable, optional
        Pre-trained encoder that turns texts or images into vectors first, and whose weights are not changed: a folder
        or a name of sentence-transformers (texts) or timm (images), an ONNX file, or a function, such as a PyTorch
        module. The function takes a list of texts, or normalized images as a float32 tensor (n, 3, height, width), and
        returns vectors of shape (n, k). See :class:`contramix.backbones.BackboneSettings` for settings such as
        ``overrides={"backbone.size": 96}``.

    Attributes
    ----------
    model_ : Pretrained
        Pre-trained model, which holds the encoder, the recipe and what was learned about the columns.
    loss_curve_ : list of float
        Loss at the end of each epoch.
    health_ : list of dict
        About twenty measurements made during training. Each holds the step, the loss, the lowest possible loss, the
        loss at chance level, and measures of the representation
        (:mod:`contramix.monitoring.representation_measures`). ``fit`` warns about problems that they reveal
        (:mod:`contramix.monitoring.alarms`).
    n_features_in_ : int
        Number of columns seen during ``fit``.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen during ``fit``. Not set if ``X`` is a table or an array without column names.

    Notes
    -----
    ``X`` is a pandas, polars or Arrow table with columns of any type, a numpy array, a torch tensor, a scipy sparse
    matrix (converted to a dense one up to a size limit), or the path of a table file. As in scikit-learn,
    ``transform`` expects the same columns in the same order as ``fit``. ``y`` is ignored.

    Data other than tables are recognized by their shape and type: arrays with four axes, for example, are images. The
    documentation of each domain lists what is recognized. ``X`` may also be the path of a file, folder or archive.
    Arrays of waveforms look like tables, therefore name their domain and sample rate:
    ``overrides={"domain": "audio", "audio.sample_rate_hz": 16000}``. If the data come with official splits, ``fit``
    uses the training split only, and ``transform`` returns the records of all splits.

    Examples
    --------
    >>> import numpy as np
    >>> from contramix import ContrastiveEncoder
    >>> X = np.random.default_rng(0).normal(size=(64, 5))
    >>> Z = ContrastiveEncoder("imix-npair", epochs=2, random_state=0).fit_transform(X)
    >>> Z.shape, Z.dtype
    ((64, 512), dtype('float32'))
    """

    def fit(self, X: Any, y: Any = None) -> "ContrastiveEncoder":
        """Learn the columns of the data and pre-train an encoder.

        Parameters
        ----------
        X
            Records to learn from, in any container that the notes of the class list.
        y
            Ignored; present for compatibility with scikit-learn.

        Returns
        -------
        ContrastiveEncoder
            The estimator itself.

        Raises
        ------
        ValueError
            If the data or a setting are invalid (:class:`contramix.errors.InputError`). The message says how to fix it.
        RuntimeError
            If the loss diverges.
        """
        fit = self._prepare_fit(X)
        facts = self._run_pretraining(fit)
        self._passes = 0
        self._finish_fit(fit, facts)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> "ContrastiveEncoder":
        """Train for one epoch on ``X``, at the recipe's learning rate without a schedule, and return the estimator.

        If the estimator is not fitted yet, the columns of ``X`` are learned first, as in ``fit``. Otherwise ``X`` must
        have the columns that were learned, and training continues with the current weights and optimizer state (a new
        optimizer state for a loaded model). ``y`` is ignored.
        """
        if not hasattr(self, "model_"):
            fit = self._prepare_fit(X)
        else:
            x = self.model_.spec.tensorize(self._read_table(X, self.model_))
            fit = Fit.begin(
                self.model_.recipe, self.model_.spec, x, self._draw_seed(), self.device, self.model_.encoder
            )
            fit = replace(fit, own_encoder=self.encoder is not None)
            if self._state is not None:
                state = State(self._state.objective.set_pool(noise_pool(fit.encoder, fit.x)), self._state.optimizer)
                fit = replace(fit, state=state)
        self._passes = getattr(self, "_passes", 0) + 1
        train = fit.recipe.train.model_copy(update={"schedule": "constant", "warmup_epochs": 0.0, "epochs": 1})
        for _ in pretrain(fit.x, fit.state, train, train.plan(len(fit.x)), Key(fit.seed, "pass", self._passes).seed):
            pass
        self._finish_fit(fit)
        return self

    def _finish_fit(self, fit: Fit, facts: dict[str, Any] | None = None) -> None:
        self._set_model(fit.finish(facts))
        # partial_fit continues with the optimizer state; the training rows are not kept.
        self._state: State | None = State(fit.state.objective.set_pool(None), fit.state.optimizer)


def load(
    folder: str | os.PathLike[str],
    device: str = "cpu",
    encoder: nn.Module | None = None,
    backbone: Callable[..., Any] | None = None,
) -> ContrastiveEncoder | ContrastiveClassifier | ContrastiveRegressor:
    """Load a saved model or a finished run as a fitted estimator.

    Parameters
    ----------
    folder
        Folder written by the estimator's method ``save``, by ``contramix pretrain --out folder``, or by
        ``contramix fit`` or ``contramix finetune``.
    device
        Device of the loaded weights, such as ``"cuda"``; ``"auto"`` uses a GPU if there is one.
    encoder
        Module of the same architecture as the one given to the estimator's parameter ``encoder``. Required only if
        the model was trained with such a module.
    backbone
        Function that was given to the estimator's parameter ``backbone``. Required only if the model was trained with
        one.

    Returns
    -------
    ContrastiveEncoder, ContrastiveClassifier or ContrastiveRegressor
        A classifier or a regressor if the model has learned to predict a target, an encoder otherwise.

    Raises
    ------
    ValueError
        If the folder does not hold a complete model, or a file in it is damaged.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> import numpy as np
    >>> import contramix
    >>> X = np.random.default_rng(0).normal(size=(64, 5))
    >>> folder = mkdtemp()
    >>> contramix.ContrastiveEncoder(epochs=1, random_state=0).fit(X).save(folder)
    >>> contramix.load(folder).transform(X).shape
    (64, 512)
    """
    name = None if backbone is None else register_function(backbone)
    model = Pretrained.load(folder, resolve_device(device), encoder)
    if name is not None and (model.recipe.backbone is None or model.recipe.backbone.name != name):
        raise InputError(f"{folder}: was trained with another backbone than the one given")
    known: dict[str, Any] = {
        "device": device,
        "random_state": model.facts.get("seed"),
        "encoder": encoder,
        "backbone": backbone,
    }
    loaded: ContrastiveEncoder | ContrastiveClassifier | ContrastiveRegressor
    if "predicts" not in model.facts:
        loaded = ContrastiveEncoder(model.recipe, **known)
        loaded._state = None
    else:
        model = load_predictor(model, Path(folder))
        if model.task.kind == "regression":
            loaded = ContrastiveRegressor(model.recipe, **known)
        else:
            loaded = ContrastiveClassifier(model.recipe, **known)
            loaded.classes_ = model.labels
    loaded._set_loaded_model(model)
    return loaded
