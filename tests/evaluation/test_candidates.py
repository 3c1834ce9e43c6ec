"""Test the candidates that are made from features."""

import numpy as np

from contramix.evaluation.candidates import probe_candidates
from contramix.evaluation.problem import PredictionProblem
from contramix.models.task import Task


def test_one_candidate_for_each_probe_and_few_labels_but_for_neighbors():
    z = np.repeat(np.eye(2, dtype=np.float32), 10, axis=0)
    made = probe_candidates("name", "baseline", lambda problem: z, ("linear", "knn", "finetune"), 2.5)
    assert [(c.name, c.kind, c.probe, c.few_labels, c.seconds) for c in made] == [
        ("name", "baseline", "linear", True, 2.5),
        ("name", "baseline", "knn", False, 2.5),
    ]
    train, test, y = np.arange(0, 20, 2), np.arange(1, 20, 2), np.repeat([0, 1], 10)
    problem = PredictionProblem(Task("classification", "y", ("a", "b")), train, y[train], test)
    assert all((candidate.predict(problem).value == y[test]).all() for candidate in made)
