"""Train a linear layer as DACL does: LARS with a cosine schedule."""

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
"""Settings for CIFAR."""
IMAGENET = PUBLISHED._replace(rates=(1.6,), epochs=90, batch_size=4096)
"""Settings for ImageNet."""


def lars(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict by a linear layer that LARS trains on features that are not standardized.

    It is trained for 200 epochs with learning rate 0.1, batches of 256 and no weight decay. A step changes weights by
    at most a thousandth of their norm, so that with few labels, and therefore few steps, little is learned.

    Raises
    ------
    InputError
        If the extra ``lars`` is not installed.
    """
    return PUBLISHED.probe(problem, z)
