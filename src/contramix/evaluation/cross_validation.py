"""Evaluate features by stratified cross-validation, as the DACL paper does for graphs.

The paper averages the accuracy over ten folds, the last epochs of pre-training, and several runs.
"""

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
from contramix.evaluation.probes.published import adam
from contramix.evaluation.problem import PredictionProblem
from contramix.models.task import Task
from contramix.runtime.randomness import Key


class CrossValidationResult(NamedTuple):
    """Store the test accuracy of a probe for every pre-training run, epoch and fold.

    Parameters
    ----------
    each
        Accuracies of shape (runs, epochs, folds), between 0 and 1.
    """

    each: Float64[ndarray, " runs epochs folds"]

    @property
    def per_run(self) -> Float64[ndarray, " runs"]:
        """Return the accuracy of each pre-training run, averaged over its epochs and folds."""
        return np.asarray(self.each.mean((1, 2)))

    @property
    def mean(self) -> float:
        """Return the accuracy averaged over all runs, epochs and folds."""
        return float(self.per_run.mean())

    @property
    def std(self) -> float | None:
        """Return the standard deviation of the accuracy between pre-training runs, or None if there is only one run."""
        return float(self.per_run.std(ddof=1)) if len(self.each) > 1 else None


def cross_validate_probe(
    task: Task,
    runs: Sequence[Sequence[Float32[ndarray, " n d"]]],
    y: Int[ndarray, " n"],
    *,
    folds: int = 10,
    seed: int = 0,
    probe: Probe = adam,
    pick_on_test: bool = False,
) -> CrossValidationResult:
    """Train and test a probe on stratified cross-validation folds, and return its accuracies.

    Parameters
    ----------
    task, y
        Classification task, and the class number of each record.
    runs
        Features of all records, indexed by pre-training run and then by epoch. The DACL paper uses five runs, and the
        last five epochs of each.
    folds
        Number of folds. All epochs of a run use the same folds, and each run draws new ones.
    seed
        Seed of the folds and of the probe.
    probe
        Probe to train and test on each fold. The default takes 100 steps of Adam, as in the DACL paper.
    pick_on_test
        Whether the probe chooses its settings on the same rows that it is scored on, as some published code does.

    Raises
    ------
    InputError
        If every class has fewer records than there are folds.

    Examples
    --------
    >>> z = np.repeat(np.eye(2, dtype=np.float32), 20, axis=0)
    >>> task = Task("classification", "kind", ("a", "b"))
    >>> cross_validate_probe(task, [[z], [z]], np.repeat([0, 1], 20)).mean
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
    return CrossValidationResult(np.array(each))


def adam_on_folds(
    z: Float32[ndarray, " n d"],
    y: Int[ndarray, " n"],
    *,
    folds: int = 10,
    seed: int = 0,
    rate: float = 1e-2,
    steps: int = 100,
) -> Float64[ndarray, " folds"]:
    """Train a linear classifier on each fold by full-batch Adam, and return the test accuracy of each fold.

    The result is the same, up to rounding, as that of :func:`cross_validate_probe` for one run and epoch, if its Adam
    probe had this learning rate only. This function is faster: one matrix product with the features serves the
    classifiers of all folds.

    Parameters
    ----------
    z, y
        Features of all records, which are used without standardization, and the class number of each record.
    folds, seed
        Number of folds, and the seed of the folds and of the initial weights.
    rate
        Learning rate of Adam. NOTE[DIFF]: the DACL paper does not state this rate; the default of 1e-2 is recalled from
        InfoGraph, not checked against its code.
    steps
        Number of steps of Adam.
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
