"""The scikit-learn face: a transformer that learns representations without labels."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from contramix.estimators.classifier import ContrastiveClassifier
from contramix.estimators.pretraining import Learner
from contramix.estimators.regressor import ContrastiveRegressor
from contramix.models.fine_tuned import FineTunedModel
from contramix.models.pretrained import Pretrained
from contramix.models.pretraining import Fit, noise_pool, resolve_device
from contramix.runtime.randomness import Key
from contramix.training.loop import State, pretrain


class ContrastiveEncoder(Learner):
    """Learn representations of records from unlabelled ones, by mixing them: rows, images, texts, graphs ...

    Parameters
    ----------
    recipe : str, Path or Recipe, default="imix-npair"
        What to train: a name (``contramix recipes`` lists them), a TOML file, or a :class:`Recipe`.
    epochs : int, optional
        Passes over the data. None: the recipe's; most say «auto», about 1,000 steps.
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
        A module of your own to train instead of the recipe's encoder: float32 (n, d) in, for images and sounds
        (n, channels, height, width), and (n, k) out.

    Attributes
    ----------
    model_ : Pretrained
        Encoder, specification of the columns, recipe.
    loss_curve_ : list of float
        The loss at the end of each epoch.
    health_ : list of dict
        About twenty health readings, each with step, loss, floor, chance and measures of the representation
        (:mod:`contramix.monitoring.representation_measures`). Problems that they show raise a warning
        (:mod:`contramix.monitoring.alarms`).
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    ``fit`` takes pandas, polars and Arrow frames with columns of any kind, numpy arrays, torch tensors, scipy
    sparse matrices (densified up to a limit) and paths of table files. Frames are handled as scikit-learn does:
    the same columns in the same order at ``transform``. ``y`` is ignored.

    Arrays, tensors and lists of other kinds of data are recognized by their shape and type, as the page of each domain
    in the documentation says: images, for example, are arrays of four axes. ``X`` may also be the path of a file,
    folder or archive of any domain.
    Arrays of waveforms look like tables: ``overrides={"domain": "audio", "audio.sample_rate_hz": 16000}``. Where the
    data have official parts, ``fit`` takes the training part and ``transform`` all.

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
        """Learn the columns and pre-train.

        Raises
        ------
        ValueError
            If the data or a setting is wrong (:class:`contramix.errors.InputError` says what would be right).
        RuntimeError
            If the loss diverges.
        """
        fit = self._begin(X)
        facts = self._pretrain(fit)
        self._passes = 0
        self._finish(fit, facts)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> "ContrastiveEncoder":
        """Go on for one pass over more rows, at the recipe's learning rate; the first call learns the columns."""
        if not hasattr(self, "model_"):
            fit = self._begin(X)
        else:
            x = self.model_.spec.tensorize(self._table(X, self.model_))
            fit = Fit.begin(self.model_.recipe, self.model_.spec, x, self._seed(), self.device, self.model_.encoder)
            fit = replace(fit, own_encoder=self.encoder is not None)
            if self._state is not None:
                state = State(self._state.objective.set_pool(noise_pool(fit.encoder, fit.x)), self._state.optimizer)
                fit = replace(fit, state=state)
        self._passes = getattr(self, "_passes", 0) + 1
        train = fit.recipe.train.model_copy(update={"schedule": "constant", "warmup_epochs": 0.0, "epochs": 1})
        for _ in pretrain(fit.x, fit.state, train, train.plan(len(fit.x)), Key(fit.seed, "pass", self._passes).seed):
            pass
        self._finish(fit)
        return self

    def _finish(self, fit: Fit, facts: dict[str, Any] | None = None) -> None:
        self._keep(fit.finish(facts))
        # The optimiser goes on in partial_fit; the training rows are not kept.
        self._state: State | None = State(fit.state.objective.set_pool(None), fit.state.optimizer)


def load(
    folder: str | os.PathLike[str], device: str = "cpu", encoder: nn.Module | None = None
) -> ContrastiveEncoder | ContrastiveClassifier | ContrastiveRegressor:
    """Read a saved model or a finished run as the fitted estimator that it is.

    A run and an encoder's folder give a :class:`ContrastiveEncoder`, a fine-tuned model's a
    :class:`ContrastiveClassifier` or a :class:`ContrastiveRegressor`.

    Parameters
    ----------
    folder
        What ``enc.save(folder)``, ``contramix pretrain --out folder`` or ``contramix finetune --out folder`` wrote.
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
    known: dict[str, Any] = {"device": device, "random_state": model.facts.get("seed"), "encoder": encoder}
    loaded: ContrastiveEncoder | ContrastiveClassifier | ContrastiveRegressor
    if "predicts" not in model.facts:
        loaded = ContrastiveEncoder(model.recipe, **known)
        loaded._state = None
    else:
        model = FineTunedModel.from_pretrained(model, Path(folder))
        if model.task.kind == "regression":
            loaded = ContrastiveRegressor(model.recipe, **known)
        else:
            loaded = ContrastiveClassifier(model.recipe, **known)
            loaded.classes_ = model.labels
    loaded._restore(model)
    return loaded
