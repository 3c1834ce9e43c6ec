"""Fit linear least squares on one-hot targets in closed form, as the i-Mix paper does on the Higgs data set."""

import numpy as np
from numpy import ndarray
from scipy.linalg import pinvh

from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.predictors.feature_rows import FeatureRows
from contramix.predictors.ridge import products


def least_squares(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict by linear least squares on features that are not standardized: ``W = pinv(F^T F) F^T Y``.

    F are the features of the training rows, and Y their one-hot classes, or a numeric target minus its mean. The model
    has no intercept and no settings. ``z`` holds the features of all records.
    """
    # NOTE[DIFF]: the code of the i-Mix paper drops the last, incomplete batch; here all rows are used.
    classes = problem.task.kind == "classification"
    center = 0.0 if classes else problem.y.mean()
    target = np.eye(len(problem.task.classes))[problem.y] if classes else (problem.y - center)[:, None]
    gram, moment = products(FeatureRows(z, problem.train), target)
    weight = pinvh(gram) @ moment
    value = center + np.concatenate([block @ weight for _, block in FeatureRows(z, problem.test).blocks()])
    return Predictions(value.argmax(1), value) if classes else Predictions(value[:, 0])
