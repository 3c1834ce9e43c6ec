"""Train a linear classifier with 100 full-batch steps of Adam, as the DACL paper does for graphs."""

from numpy import ndarray

from contramix.evaluation.probes.descent import Descent
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.training.optimizers import OptimizerSettings

RATES = (1e-1, 1e-2, 1e-3)
"""Learning rates to choose from. The DACL paper states rates for pre-training only, 1e-2 to 1e-4. The smallest is not
used here, because 100 steps with 1e-4 change no weight by more than 0.01."""
PUBLISHED = Descent(
    OptimizerSettings(optimizer="adamw", lr=1.0, weight_decay=0.0, schedule="constant", warmup_epochs=0),
    rates=RATES,
    epochs=100,
)


def adam(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict classes with a linear classifier that is trained by Adam on features without standardization.

    Training takes 100 full-batch steps. The learning rate is chosen on validation rows. The optimizer is AdamW without
    weight decay, which is the same as Adam. ``z`` holds the features of all records.
    """
    return PUBLISHED.probe(problem, z)
