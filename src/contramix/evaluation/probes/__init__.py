"""Define probes: simple predictors that are trained on frozen features.

A probe is a function that takes a problem and the features of all records, and returns predictions for the problem's
test rows. It chooses its settings on :meth:`PredictionProblem.validation_splits`. To add a probe, write it in a file of
this folder and add one line to ``PROBES``.
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
