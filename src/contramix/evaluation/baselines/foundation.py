"""Compare with foundation models of tables, if the user has installed them and has their weights."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from contramix.evaluation.baselines.baseline import Baseline, BaselineInputs
from contramix.evaluation.baselines.sklearn_models import predict_with
from contramix.evaluation.candidates import Candidate
from contramix.evaluation.problem import PredictionProblem, Predictions

CPU_ROWS, ACCELERATOR_ROWS = 1_000, 10_000
"""Maximum number of training rows on a CPU, where TabPFN refuses more by default, and on an accelerator, the largest
number that its second version was trained for."""


class FoundationModel(NamedTuple):
    """Describe a package that predicts tables with a pre-trained network, by the interface of scikit-learn.

    Parameters
    ----------
    package
        Name of the package, which is also the name of the baseline.
    prefix
        Prefix of the class names: ``"TabPFN"`` for ``TabPFNClassifier`` and ``TabPFNRegressor``.
    weights
        Pattern of the paths of the weights within the package's cache folder, with ``{kind}`` for ``classifier`` or
        ``regressor``.
    settings
        Further arguments of the classes.
    max_classes
        Maximum number of classes; None: no limit.
    """

    package: str
    prefix: str
    weights: str
    settings: Mapping[str, Any]
    max_classes: int | None = None

    def find_weights(self, kind: str) -> Path | None:
        """Return the newest file of weights for a kind, ``classifier`` or ``regressor``; None if there is none."""
        files = cache_folder(self.package).glob(self.weights.format(kind=kind))
        return max(files, key=lambda path: path.stat().st_mtime, default=None)

    def unavailable(self, inputs: BaselineInputs) -> str | None:
        """Return why the model cannot be run; None if the package, its weights and a fitting class are there."""
        kind, classes = _kind(inputs), len(inputs.data.task.classes)
        if importlib.util.find_spec(self.package) is None:
            return "not installed"
        if self.find_weights(kind) is None:
            return f"no weights of a {kind} in {cache_folder(self.package)}"
        if self.max_classes is not None and classes > self.max_classes:
            return f"takes at most {self.max_classes} classes"
        if not hasattr(importlib.import_module(self.package), f"{self.prefix}{kind.title()}"):
            return f"the installed version has no {kind}"
        return None

    def make(self, inputs: BaselineInputs) -> list[Candidate]:
        """Build the baseline candidate that applies the model to the raw features.

        If there are more labeled rows than the model can take, a random part of them is used. Nothing is downloaded.
        """
        kind, raw, device = _kind(inputs), inputs.raw, inputs.device
        make = getattr(importlib.import_module(self.package), f"{self.prefix}{kind.title()}")
        weights, limit = self.find_weights(kind), CPU_ROWS if device.type == "cpu" else ACCELERATOR_ROWS

        def predict(problem: PredictionProblem) -> Predictions:
            train, y, chosen = problem.train, problem.y, ""
            if len(train) > limit:
                some = np.sort(np.random.default_rng(problem.seed).permutation(len(train))[:limit])
                train, y, chosen = train[some], y[some], f"{limit:,} of {len(train):,} rows"
            model = make(model_path=str(weights), device=str(device), random_state=problem.seed, **self.settings)
            return predict_with(problem.task, model.fit(raw[train], y), raw[problem.test])._replace(chosen=chosen)

        return [Candidate(self.package, "baseline", self.package, predict)]

    def baseline(self) -> Baseline:
        """Return the baseline that runs this model."""
        return Baseline(
            self.package,
            f"the foundation model {self.prefix} on the columns",
            f"{self.prefix} on raw features",
            self.make,
            row_label=f"{self.prefix} on raw features",
            uses_probe=False,
            domains=("table",),
            unavailable=self.unavailable,
        )


def cache_folder(package: str) -> Path:
    """Return the folder in which a package, ``tabpfn`` or ``tabicl``, stores the weights that it downloads."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if package == "tabicl":  # Hugging Face's cache
        home = Path(os.environ.get("HF_HOME") or cache / "huggingface")
        return Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    if sys.platform == "darwin":
        cache = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        cache = Path(os.environ.get("APPDATA") or cache)
    return Path(os.environ.get("TABPFN_MODEL_CACHE_DIR") or cache / package)


def _kind(inputs: BaselineInputs) -> str:
    return "classifier" if inputs.data.task.kind == "classification" else "regressor"


TABPFN = FoundationModel(
    "tabpfn", "TabPFN", "*{kind}*.ckpt", MappingProxyType({"ignore_pretraining_limits": True}), max_classes=10
).baseline()
TABICL = FoundationModel(
    "tabicl",
    "TabICL",
    "models--jingang--TabICL*/snapshots/*/*{kind}*.ckpt",
    MappingProxyType({"allow_auto_download": False}),
).baseline()
