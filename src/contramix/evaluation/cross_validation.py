"""DACL's protocol on graphs: ten folds, and the mean over the last epochs of pre-training and over repeats of it."""

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
    """Accuracies of every run, epoch and fold, and how they are reported."""

    each: Float64[ndarray, " runs epochs folds"]

    @property
    def of_runs(self) -> Float64[ndarray, " runs"]:
        """The mean over epochs and folds of each run."""
        return np.asarray(self.each.mean((1, 2)))

    @property
    def mean(self) -> float:
        """Over runs."""
        return float(self.of_runs.mean())

    @property
    def spread(self) -> float | None:
        """The standard deviation over runs; None for one run."""
        return float(self.of_runs.std(ddof=1)) if len(self.each) > 1 else None


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
    """Score features by stratified folds, each of which is the test part once.

    Parameters
    ----------
    task, y
        Classes, and class numbers.
    runs
        Features of all records: for each run of pre-training (as published, five), those of its last epochs (five).
    folds
        How many; a run's folds are the same for all its epochs, another run's are drawn anew.
    probe
        As published, a hundred steps of Adam.
    pick_on_test
        Let the probe choose by the rows it is scored on, as some published code does.

    Raises
    ------
    InputError
        If every class has fewer records than there are folds.

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
            parts = list(StratifiedKFold(folds, shuffle=True, random_state=seed + number).split(y, y))
        each.append(
            [
                [_accuracy(task, z, y, train, test, seed + number, probe, pick_on_test) for train, test in parts]
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
    """Accuracies of linear layers trained by full-batch steps of Adam, one for each fold, all folds at once.

    The same folds and numbers, to rounding, as :func:`cross_validated` has with a probe of that one rate: a layer is
    trained on the rows outside its fold, and all layers share each product with the features.

    Parameters
    ----------
    z, y
        Features of all records as they are, and class numbers.
    rate
        Adam's learning rate. NOTE[DIFF]: DACL does not state it; 1e-2 is InfoGraph's, recalled.
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
