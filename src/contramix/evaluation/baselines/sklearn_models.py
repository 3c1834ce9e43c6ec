"""Convert the output of scikit-learn models to predictions."""

from typing import Any

import numpy as np
from numpy import ndarray
from scipy.sparse import csr_matrix

from contramix.evaluation.problem import Predictions
from contramix.models.task import Task


def predict_with(task: Task, model: Any, test: ndarray | csr_matrix) -> Predictions:
    """Predict the test rows with a fitted scikit-learn model: class numbers and probabilities, or numeric values.

    ``test`` holds the features of the test rows. A class of ``task`` that the training rows did not have gets
    probability 0.
    """
    if task.kind == "regression":
        return Predictions(np.asarray(model.predict(test)))
    probabilities = model.predict_proba(test)
    score = np.zeros((test.shape[0], len(task.classes)))
    score[:, model.classes_] = probabilities
    return Predictions(np.asarray(model.classes_[probabilities.argmax(1)]), score)
