"""Nearest neighbours: the vote, or mean, of the nearest training rows on standardised features."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy import ndarray

from contramix.evaluation.probes.choosing import choose
from contramix.evaluation.probes.rows import FeatureRows, standardized
from contramix.evaluation.problem import PredictionProblem, Predictions, ValidationSplit
from contramix.models.task import Task

NEIGHBOURS = (1, 5, 20)


def knn(problem: PredictionProblem, z: ndarray) -> Predictions:
    """How many neighbours, 1, 5 or 20, is chosen on held-out training rows; Euclidean distance."""
    least = min(len(part.train) for part in problem.validation_splits())
    counts = [k for k in NEIGHBOURS if k <= least] or [least]

    def predict(part: ValidationSplit) -> Iterator[ndarray]:
        near = part.train_y[_nearest(max(counts), *standardized(z, part.train, part.validation))]
        return (_vote(problem.task, near[:, :k]).value for k in counts)

    chosen = choose(problem, counts, predict)
    near = problem.y[_nearest(chosen, *standardized(z, problem.train, problem.test))]
    return _vote(problem.task, near)._replace(chosen=f"k = {chosen}{problem.choice_note}")


def _nearest(k: int, keys: FeatureRows, queries: FeatureRows) -> ndarray:
    """Places of the k nearest keys by Euclidean distance, nearest first."""
    return np.concatenate([_nearest_of(torch.from_numpy(query), k, keys) for _, query in queries.blocks()])


def _nearest_of(query: torch.Tensor, k: int, keys: FeatureRows) -> ndarray:
    best = torch.empty(len(query), 0)
    place = torch.empty(len(query), 0, dtype=torch.long)
    for part, block in keys.blocks():
        key = torch.from_numpy(block)
        closeness = query @ key.T - key.square().sum(1) / 2
        value, index = closeness.topk(min(k, len(key)), dim=1)
        best, order = torch.cat([best, value], 1).topk(min(k, best.shape[1] + value.shape[1]), dim=1)
        place = torch.cat([place, index + part.start], 1).gather(1, order)
    return np.asarray(place)


def _vote(task: Task, neighbours: ndarray) -> Predictions:
    if task.kind == "regression":
        return Predictions(np.asarray(neighbours.mean(1)))
    counts = np.zeros((len(neighbours), len(task.classes)))
    for column in neighbours.T:
        counts[np.arange(len(counts)), column] += 1
    return Predictions(np.asarray(counts.argmax(1)), counts / neighbours.shape[1])
