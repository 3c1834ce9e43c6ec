"""Nearest neighbours: the vote, or mean, of the nearest training rows on standardised features."""

import numpy as np
import torch
from numpy import ndarray

from contramix.evaluation.probes.standardising import standardise
from contramix.evaluation.problem import Predicted, Problem
from contramix.evaluation.task import Task

NEIGHBOURS = (1, 5, 20)


def knn(problem: Problem, z: ndarray) -> Predicted:
    """How many neighbours, 1, 5 or 20, is chosen on held-out training rows; Euclidean distance."""
    task, parts = problem.task, problem.choices()
    most = min(max(NEIGHBOURS), *(len(part.fit) for part in parts))
    near = [_nearest(*standardise(z[part.fit], z[part.judge]), most) for part in parts]
    counts = [k for k in NEIGHBOURS if k <= most] or [most]
    scores = [
        np.concatenate(
            [
                task.contributions(part.judge_y, _vote(task, part.fit_y[rows[:, :k]]).value)
                for part, rows in zip(parts, near)
            ]
        ).mean()
        for k in counts
    ]
    chosen = counts[int(np.argmax(scores))]
    rows = _nearest(*standardise(z[problem.train], z[problem.test]), chosen)
    return _vote(task, problem.y[rows])._replace(chosen=f"k = {chosen}")


def _nearest(z: ndarray, query: ndarray, k: int) -> ndarray:
    """Indices of the k nearest rows by Euclidean distance, nearest first."""
    keys = torch.from_numpy(z)
    half_norm = keys.square().sum(1) / 2
    parts = torch.split(torch.from_numpy(query), 2048)
    return torch.cat([(part @ keys.T - half_norm).topk(k, dim=1).indices for part in parts]).numpy()


def _vote(task: Task, neighbours: ndarray) -> Predicted:
    if task.kind == "regression":
        return Predicted(np.asarray(neighbours.mean(1)))
    counts = np.zeros((len(neighbours), len(task.classes)))
    for column in neighbours.T:
        counts[np.arange(len(counts)), column] += 1
    return Predicted(np.asarray(counts.argmax(1)), counts / neighbours.shape[1])
