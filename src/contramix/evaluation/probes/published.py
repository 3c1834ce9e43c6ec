"""Train linear models as the papers do: with SGD, LARS or Adam, or by least squares in closed form.

The i-Mix paper uses SGD, and least squares on the Higgs data set. The DACL paper uses LARS, and Adam for graphs.
"""

import numpy as np
from numpy import ndarray
from scipy.linalg import pinvh

from contramix.evaluation.probes.descent import Descent
from contramix.evaluation.problem import PredictionProblem, Predictions
from contramix.predictors.feature_rows import FeatureRows
from contramix.predictors.regressions import products
from contramix.training.optimizers import OptimizerSettings

SGD_RATES = (1.0, 3.0, 5.0, 10.0, 30.0, 50.0, 70.0)
"""Learning rates to choose from, as in the code of the i-Mix paper."""
# As in the code of the i-Mix paper, tables use batches of 512 rows, although the rates are scaled for 256 rows.
SGD = Descent(
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
    rates=SGD_RATES,
    epochs=100,
    batch_size=512,
)
SGD_MEDIA = SGD._replace(batch_size=256)
"""Settings for images and audio."""
SGD_IMAGENET = SGD_MEDIA._replace(
    optimizer=SGD.optimizer.model_copy(update={"decay_epochs": (60, 80), "decay": 0.1}), rates=(30.0,)
)
"""Settings for ImageNet, as in MoCo."""
LARS = Descent(
    OptimizerSettings(optimizer="lars", lr=1.0, momentum=0.9, weight_decay=0.0, schedule="cosine", warmup_epochs=0),
    rates=(0.1,),
    epochs=200,
    batch_size=256,
)
LARS_IMAGES = LARS._replace(rates=(1.0,))
"""Settings of the DACL paper for CIFAR."""
LARS_IMAGENET = LARS._replace(rates=(1.6,), epochs=90, batch_size=4096)
"""Settings of the DACL paper for ImageNet."""
ADAM_RATES = (1e-1, 1e-2, 1e-3)
"""Learning rates to choose from. The DACL paper states rates for pre-training only, 1e-2 to 1e-4. The smallest is not
used here, because 100 steps with 1e-4 change no weight by more than 0.01."""
ADAM = Descent(
    OptimizerSettings(optimizer="adamw", lr=1.0, weight_decay=0.0, schedule="constant", warmup_epochs=0),
    rates=ADAM_RATES,
    epochs=100,
)


def sgd(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict classes with a linear classifier that is trained by SGD on features without standardization.

    It is trained for 100 epochs with momentum 0.9 and no weight decay. The learning rate is multiplied by 0.2 after 80,
    90 and 95 epochs. Its initial value is chosen from seven values between 1 and 70. Training does not diverge with the
    large ones, because the gradient of the cross-entropy is bounded: weights may oscillate at first, and settle when
    the rate falls. The learning rate is chosen on validation rows, or, as in the code of the i-Mix paper, on test rows
    if the problem has ``test_targets``. ``z`` holds the features of all records.
    """
    return SGD.probe(problem, z)


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
    return LARS.probe(problem, z)


def adam(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict classes with a linear classifier that is trained by Adam on features without standardization.

    Training takes 100 full-batch steps. The learning rate is chosen on validation rows. The optimizer is AdamW without
    weight decay, which is the same as Adam. ``z`` holds the features of all records.
    """
    return ADAM.probe(problem, z)


def least_squares(problem: PredictionProblem, z: ndarray) -> Predictions:
    """Predict by linear least squares on features that are not standardized: ``W = pinv(F^T F) F^T Y``.

    F are the features of the training rows, and Y their one-hot classes, or a numeric target minus its mean. The model
    has no intercept and no settings. ``z`` holds the features of all records.
    """
    # NOTE[DIFF]: the code of the i-Mix paper drops the last, incomplete batch; here all rows are used.
    classes = problem.task.kind == "classification"
    center = 0.0 if classes else problem.y.mean()
    target = np.eye(len(problem.task.classes))[problem.y] if classes else (problem.y - center)[:, None]
    gram, moment = products(FeatureRows(z, problem.train), target)
    weight = pinvh(gram) @ moment
    value = center + np.concatenate([block @ weight for _, block in FeatureRows(z, problem.test).blocks()])
    return Predictions(value.argmax(1), value) if classes else Predictions(value[:, 0])
