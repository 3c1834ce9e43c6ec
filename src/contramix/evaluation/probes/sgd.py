"""Train a linear classifier by SGD with a step schedule and a grid of learning rates, as the i-Mix paper does."""

from numpy import ndarray

from contramix.evaluation.probes.descent import Descent
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.training.optimizers import OptimizerSettings

RATES = (1.0, 3.0, 5.0, 10.0, 30.0, 50.0, 70.0)
"""Learning rates to choose from, as in the code of the i-Mix paper."""
# As in the code of the i-Mix paper, tables use batches of 512 rows, although the rates are scaled for 256 rows.
PUBLISHED = Descent(
    OptimizerSettings(
        optimizer="sgd",
        lr=1.0,
        momentum=0.9,
        weight_decay=0.0,
        schedule="steps",
        decay_epochs=(80, 90, 95),
        decay=0.2,
        warmup_epochs=0,
    ),
    rates=RATES,
    epochs=100,
    batch_size=512,
)
MEDIA = PUBLISHED._replace(batch_size=256)
"""Settings for images and audio."""
IMAGENET = MEDIA._replace(
    optimizer=PUBLISHED.optimizer.model_copy(update={"decay_epochs": (60, 80), "decay": 0.1}), rates=(30.0,)
)
"""Settings for ImageNet, as in MoCo."""


def sgd(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict classes with a linear classifier that is trained by SGD on features without standardization.

    It is trained for 100 epochs with momentum 0.9 and no weight decay. The learning rate is multiplied by 0.2 after 80,
    90 and 95 epochs. Its initial value is chosen from seven values between 1 and 70. Training does not diverge with the
    large ones, because the gradient of the cross-entropy is bounded: weights may oscillate at first, and settle when
    the rate falls. The learning rate is chosen on validation rows, or, as in the code of the i-Mix paper, on test rows
    if the problem has ``test_targets``. ``z`` holds the features of all records.
    """
    return PUBLISHED.probe(problem, z)
