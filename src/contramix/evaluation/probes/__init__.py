"""Define probes: simple predictors that are trained on frozen features.

A probe is a function that takes a problem and the features of all records, and returns predictions for the problem's
test rows. It chooses its settings on :meth:`PredictionProblem.validation_splits`. To add a probe, write it in a file of
this folder and add one line to ``PROBES``.
"""

from collections.abc import Callable

from numpy import ndarray

from contramix.evaluation.probes.knn import knn
from contramix.evaluation.probes.linear import linear
from contramix.evaluation.probes.published import (
    LARS_IMAGENET,
    LARS_IMAGES,
    SGD_IMAGENET,
    SGD_MEDIA,
    adam,
    lars,
    least_squares,
    sgd,
)
from contramix.evaluation.problem import PredictionProblem, Predictions

Probe = Callable[[PredictionProblem, ndarray], Predictions]

PROBES: dict[str, Probe] = {
    "linear": linear,
    "knn": knn,
    "sgd": sgd,
    "sgd-256": SGD_MEDIA.probe,
    "sgd-imagenet": SGD_IMAGENET.probe,
    "lars": lars,
    "lars-images": LARS_IMAGES.probe,
    "lars-imagenet": LARS_IMAGENET.probe,
    "adam": adam,
    "least-squares": least_squares,
}
