"""Predict by a vote or mean of the nearest training rows."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy import ndarray

from contramix.evaluation.probes.choosing import choose
from contramix.evaluation.problem import PredictionProblem, Predictions, ValidationSplit
from contramix.models.task import Task
from contramix.predictors.feature_rows import FeatureRows, FeatureScale

NEIGHBORS = (1, 5, 20)
"""Numbers of neighbors to choose from."""


def knn(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict the majority class (or mean target) of the nearest training rows in standardized feature space.

    Distances are Euclidean. The number of neighbors, 1, 5 or 20, is chosen on validation rows. ``z`` holds the features
    of all records.
    """
    fewest_rows = min(len(split.train) for split in problem.validation_splits())
    counts = [k for k in NEIGHBORS if k <= fewest_rows] or [fewest_rows]
    scale = FeatureScale.learn(z, problem.statistics_rows)

    def nearest(k: int, keys: ndarray, queries: ndarray) -> ndarray:
        return _nearest(k, scale.rows(keys), scale.rows(queries))

    def predict(split: ValidationSplit) -> Iterator[Predictions]:
        near = split.train_y[nearest(max(counts), split.train, split.validation)]
        return (_vote(problem.task, near[:, :k]) for k in counts)

    chosen = choose(problem, counts, predict)
    near = problem.y[nearest(chosen, problem.train, problem.test)]
    return _vote(problem.task, near)._replace(chosen=f"k = {chosen}{problem.choice_note}")


def _nearest(k: int, keys: FeatureRows, queries: FeatureRows) -> ndarray:
    """Return an array of shape (queries, k): positions in ``keys`` of the rows nearest to each query, nearest first."""
    return np.concatenate([_nearest_of(torch.from_numpy(query), k, keys) for _, query in queries.blocks()])


def _nearest_of(query: torch.Tensor, k: int, keys: FeatureRows) -> ndarray:
    best = torch.empty(len(query), 0)
    position = torch.empty(len(query), 0, dtype=torch.long)
    for block_rows, block in keys.blocks():
        key = torch.from_numpy(block)
        closeness = query @ key.T - key.square().sum(1) / 2
        value, index = closeness.topk(min(k, len(key)), dim=1)
        best, order = torch.cat([best, value], 1).topk(min(k, best.shape[1] + value.shape[1]), dim=1)
        position = torch.cat([position, index + block_rows.start], 1).gather(1, order)
    return np.asarray(position)


def _vote(task: Task, neighbors: ndarray) -> Predictions:
    if task.kind == "regression":
        return Predictions(np.asarray(neighbors.mean(1)))
    counts = np.zeros((len(neighbors), len(task.classes)))
    for column in neighbors.T:
        counts[np.arange(len(counts)), column] += 1
    return Predictions(np.asarray(counts.argmax(1)), counts / neighbors.shape[1])
