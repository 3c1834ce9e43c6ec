"""Train a linear layer as DACL does on graphs: a hundred steps of Adam on all rows."""

from numpy import ndarray

from contramix.evaluation.probes.descent import Descent
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.training.optimizers import OptimizerSettings

RATES = (1e-1, 1e-2, 1e-3)
"""Learning rates to choose from. The paper states those of pre-training only, 1e-2 to 1e-4; a hundred steps of 1e-4
move no weight by more than 0.01."""
PUBLISHED = Descent(
    OptimizerSettings(optimizer="adamw", lr=1.0, weight_decay=0.0, schedule="constant", warmup_epochs=0),
    rates=RATES,
    epochs=100,
)


def adam(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict by a linear layer that Adam trains on features that are not standardized.

    Without weight decay, AdamW equals Adam.
    """
    return PUBLISHED.probe(problem, z)
