"""Probes: plain predictors on frozen features. What they choose, they choose by :meth:`PredictionProblem.choices`.

A probe is a function of a problem and the features of all records, and predicts the test rows. A new one is one
function in a file of its own, and one line here.
"""

from collections.abc import Callable

from numpy import ndarray

from contramix.evaluation.probes.adam import adam
from contramix.evaluation.probes.knn import knn
from contramix.evaluation.probes.lars import IMAGENET as LARS_IMAGENET
from contramix.evaluation.probes.lars import IMAGES, lars
from contramix.evaluation.probes.least_squares import least_squares
from contramix.evaluation.probes.linear import linear
from contramix.evaluation.probes.sgd import IMAGENET as SGD_IMAGENET
from contramix.evaluation.probes.sgd import MEDIA, sgd
from contramix.evaluation.problem import PredictionProblem, Predictions

Probe = Callable[[PredictionProblem, ndarray], Predictions]

PROBES: dict[str, Probe] = {
    "linear": linear,
    "knn": knn,
    "sgd": sgd,
    "sgd-256": MEDIA.probe,
    "sgd-imagenet": SGD_IMAGENET.probe,
    "lars": lars,
    "lars-images": IMAGES.probe,
    "lars-imagenet": LARS_IMAGENET.probe,
    "adam": adam,
    "least-squares": least_squares,
}
