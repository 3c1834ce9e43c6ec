"""DACL's linear evaluation on graphs: a hundred steps of Adam over all rows."""

from numpy import ndarray

from contramix.evaluation.probes.descent import Descent
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.training.optimizers import OptimizerSettings

RATES = (1e-1, 1e-2, 1e-3)
"""A choice of ours: the paper states those of pre-training only, 1e-2 to 1e-4, and a hundred steps of 1e-4 move no
weight by more than 0.01."""
PUBLISHED = Descent(
    OptimizerSettings(optimizer="adamw", lr=1.0, weight_decay=0.0, schedule="constant", warmup_epochs=0),
    rates=RATES,
    epochs=100,
)


def adam(problem: PredictionProblem, z: ndarray) -> Predictions:
    """A linear layer on features as they are; without weight decay AdamW is Adam."""
    return PUBLISHED.probe(problem, z)
