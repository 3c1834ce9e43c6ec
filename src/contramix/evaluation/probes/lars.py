"""DACL's linear evaluation: LARS with a cosine."""

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
"""On CIFAR."""
IMAGENET = PUBLISHED._replace(rates=(1.6,), epochs=90, batch_size=4096)


def lars(problem: PredictionProblem, z: ndarray) -> Predictions:
    """A linear layer on features as they are: learning rate 0.1, 200 epochs, batches of 256, no weight decay.

    A step changes weights by a thousandth of their length at most, so that the few steps of few labels train little.

    Raises
    ------
    InputError
        If the extra ``lars`` is not installed.
    """
    return PUBLISHED.probe(problem, z)
