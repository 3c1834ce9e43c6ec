"""Train a linear classifier with the LARS optimizer and a cosine schedule, as the DACL paper does."""

from numpy import ndarray

from contramix.evaluation.probes.descent import Descent
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.training.optimizers import OptimizerSettings

PUBLISHED = Descent(
    OptimizerSettings(optimizer="lars", lr=1.0, momentum=0.9, weight_decay=0.0, schedule="cosine", warmup_epochs=0),
    rates=(0.1,),
    epochs=200,
    batch_size=256,
)
IMAGES = PUBLISHED._replace(rates=(1.0,))
"""Settings of the DACL paper for CIFAR."""
IMAGENET = PUBLISHED._replace(rates=(1.6,), epochs=90, batch_size=4096)
"""Settings of the DACL paper for ImageNet."""


def lars(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict classes with a linear classifier that is trained by LARS on features without standardization.

    It is trained for 200 epochs with learning rate 0.1, batches of 256 rows and no weight decay. Each step changes a
    weight matrix by at most a thousandth of its norm. With few labels there are few steps, in which the classifier
    learns little. ``z`` holds the features of all records.

    Raises
    ------
    InputError
        If the optional dependency ``contramix[lars]`` is not installed, or the target is numeric.
    """
    return PUBLISHED.probe(problem, z)
