"""Evaluate features by cross-validation, as DACL does on graphs: ten folds, averaged over epochs and runs."""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int
from numpy import ndarray
from sklearn.model_selection import StratifiedKFold
from torch import Tensor
from torch.nn.functional import cross_entropy

from contramix.errors import InputError
from contramix.evaluation.probes import Probe
from contramix.evaluation.probes.adam import adam
from contramix.evaluation.problem import PredictionProblem
from contramix.models.task import Task
from contramix.runtime.randomness import Key


class CrossValidated(NamedTuple):
    """Hold the accuracy of every run, epoch and fold."""

    each: Float64[ndarray, " runs epochs folds"]

    @property
    def per_run(self) -> Float64[ndarray, " runs"]:
        """Return the mean accuracy of each run over epochs and folds."""
        return np.asarray(self.each.mean((1, 2)))

    @property
    def mean(self) -> float:
        """Return the mean accuracy over runs."""
        return float(self.per_run.mean())

    @property
    def std(self) -> float | None:
        """Return the standard deviation of the accuracy over runs; None for one run."""
        return float(self.per_run.std(ddof=1)) if len(self.each) > 1 else None


def cross_validated(
    task: Task,
    runs: Sequence[Sequence[Float32[ndarray, " n d"]]],
    y: Int[ndarray, " n"],
    *,
    folds: int = 10,
    seed: int = 0,
    probe: Probe = adam,
    pick_on_test: bool = False,
) -> CrossValidated:
    """Return the accuracies of a probe in stratified cross-validation.

    Parameters
    ----------
    task, y
        Classification task, and the class number of each record.
    runs
        Features of all records, for each run of pre-training (five as published) and each of its last epochs (five).
    folds
        Number of folds. All epochs of a run share the folds; each run has folds of its own.
    seed
        Seed of the folds and of the probe.
    probe
        Probe; as published, a hundred steps of Adam.
    pick_on_test
        Let the probe choose its settings by the rows it is scored on, as some published code does.

    Raises
    ------
    InputError
        If every class has fewer records than folds.

    Examples
    --------
    >>> z = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0)
    >>> task = Task("classification", "kind", ("a", "b"))
    >>> cross_validated(task, [[z], [z]], np.repeat([0, 1], 20)).mean
    1.0
    """
    if np.bincount(y).max() < folds:
        raise InputError(f"target {task.target!r}: {folds} folds need a class of at least {folds} records")
    each = []
    for number, epochs in enumerate(runs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a class with fewer records than folds
            splits = list(StratifiedKFold(folds, shuffle=True, random_state=seed + number).split(y, y))
        each.append(
            [
                [_accuracy(task, z, y, train, test, seed + number, probe, pick_on_test) for train, test in splits]
                for z in epochs
            ]
        )
    return CrossValidated(np.array(each))


def adam_on_folds(
    z: Float32[ndarray, " n d"],
    y: Int[ndarray, " n"],
    *,
    folds: int = 10,
    seed: int = 0,
    rate: float = 1e-2,
    steps: int = 100,
) -> Float64[ndarray, " folds"]:
    """Return the accuracies of linear layers trained by full-batch steps of Adam, one for each fold.

    Folds and accuracies equal, to rounding, those of :func:`cross_validated` with a probe of one learning rate. It is
    faster because the layers of all folds share each product with the features.

    Parameters
    ----------
    z, y
        Features of all records, which are not standardized, and the class number of each record.
    folds, seed
        Number of folds, and the seed of the folds and of the first weights.
    rate
        Adam's learning rate. NOTE[DIFF]: DACL does not state it; 1e-2 is InfoGraph's, recalled.
    steps
        Number of steps.
    """
    classes = int(y.max()) + 1
    held = np.zeros((folds, len(y)), bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for number, (_, test) in enumerate(StratifiedKFold(folds, shuffle=True, random_state=seed).split(y, y)):
            held[number, test] = True
    x, truth, trained = torch.from_numpy(z), torch.from_numpy(y).expand(folds, -1), torch.from_numpy(~held).float()
    key = Key(seed).at("probe")
    first = 0.01 * torch.randn(z.shape[1], classes, generator=key.at("weights").generator())
    weight = torch.nn.Parameter(first.repeat(1, folds))
    bias = torch.nn.Parameter(torch.zeros(folds * classes))
    optimizer = torch.optim.Adam([weight, bias], lr=rate)

    def logits() -> Tensor:
        return (x @ weight + bias).reshape(len(y), folds, classes).transpose(0, 1)

    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        each = cross_entropy(logits().flatten(0, 1), truth.flatten(), reduction="none").reshape(folds, -1)
        ((each * trained).sum(1) / trained.sum(1)).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        hits = (logits().argmax(2) == truth).numpy()
    return np.asarray((hits & held).sum(1) / held.sum(1))


def _accuracy(
    task: Task, z: ndarray, y: ndarray, train: ndarray, test: ndarray, seed: int, probe: Probe, pick_on_test: bool
) -> float:
    problem = PredictionProblem(task, train, y[train], test, seed, test_targets=y[test] if pick_on_test else None)
    return float(task.per_row_scores(y[test], probe(problem, z).value).mean())
