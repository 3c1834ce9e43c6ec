"""Define the settings of fine-tuning."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from contramix.errors import InputError
from contramix.recipe import explain
from contramix.training.loop import IntOrAuto, Plan
from contramix.training.optimizers import OptimizerSettings

AUTO_BATCH, AUTO_EPOCHS, AUTO_STEPS = 256, 50, (200, 1000)
"""Batch size, number of epochs, and smallest and largest number of steps that ``"auto"`` chooses."""
AUTO_LR, AUTO_LR_FEW = 1e-3, 5e-4
"""Learning rates that ``"auto"`` chooses, the second with fewer than :data:`FEW_ROWS` rows."""
MAX_LR = 1e15
"""Largest learning rate; beyond it float32 overflows before the first loss is computed."""
FEW_ROWS = 1000
"""Number of labeled rows below which the learning rate is lower and no rows are held out, because they are worth more
in training than for early stopping."""
VALIDATIONS = 50
"""Number of times that fine-tuning scores the held-out rows. Rounding may raise it to less than twice as many."""


def _lr_or_auto(value: Any) -> Any:
    if value == "auto" or (type(value) in (int, float) and 0 < value <= MAX_LR):
        return value if value == "auto" else float(value)
    raise PydanticCustomError("lr_or_auto", "should be a number above 0, or 'auto'")


def _class_weight(value: Any) -> Any:
    if value in (None, "balanced"):
        return value
    if isinstance(value, Mapping) and all(type(w) in (int, float) and 0 < w < math.inf for w in value.values()):
        return {str(name): float(w) for name, w in value.items()}
    raise PydanticCustomError("class_weight", "should be 'balanced', or a number above 0 for each class")


LearningRateOrAuto = Annotated[float | Literal["auto"], BeforeValidator(_lr_or_auto)]
ClassWeight = Annotated[dict[str, float] | Literal["balanced"] | None, BeforeValidator(_class_weight)]


class FineTune(OptimizerSettings):
    """Configure fine-tuning: how an encoder and a prediction head are trained on labeled rows.

    Further settings, such as ``optimizer`` and ``weight_decay``, are those of
    :class:`contramix.training.optimizers.OptimizerSettings`.

    Parameters
    ----------
    epochs
        Number of passes over the training rows. ``"auto"``: 50, but more if these are fewer than 200 steps, and fewer
        if they are more than 1,000 steps.
    batch_size
        Number of rows in a training step; ``"auto"``: 256, or all rows if there are fewer.
    lr
        Highest learning rate; ``"auto"``: 5e-4 with fewer than 1,000 labeled rows, else 0.001.
    class_weight
        Weights of the classes in the loss: ``"balanced"`` gives each class the same total weight, as in scikit-learn;
        a dictionary maps class names to weights; None: all rows have the same weight.
    validation_share
        Share of the labeled rows that are held out for early stopping. With fewer than 1,000 rows none are held out.
    patience
        Number of consecutive evaluations on the held-out rows without a better score after which training stops. The
        rows are evaluated 50 to 100 times in training, or after every step of a shorter training. The weights with the
        best score are kept.
    """

    epochs: IntOrAuto = "auto"
    batch_size: IntOrAuto = "auto"
    lr: LearningRateOrAuto = "auto"  # type: ignore[assignment]
    class_weight: ClassWeight = None
    validation_share: float = Field(default=0.2, ge=0, le=0.5)
    patience: int = Field(default=VALIDATIONS // 2, ge=1)

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> "FineTune":
        """Create settings from a dictionary of names and values, such as ``{"epochs": 20}``.

        Raises
        ------
        InputError
            If a name is unknown or a value is not allowed.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise InputError(f"fine-tuning: {explain(error, cls)}") from error

    def with_learning_rate(self, rows: int) -> "FineTune":
        """Return these settings, with ``lr="auto"`` replaced by a number that depends on the number of labeled rows."""
        few = rows < FEW_ROWS
        return self.model_copy(update={"lr": AUTO_LR_FEW if few else AUTO_LR}) if self.lr == "auto" else self

    def plan(self, rows: int) -> Plan:
        """Compute the batch size, steps per epoch and number of epochs for a number of training rows.

        Raises
        ------
        InputError
            If ``batch_size`` is 1, because BatchNorm cannot normalize a single row.
        """
        if self.batch_size == 1:
            raise InputError("fine-tuning: batch_size is 1; BatchNorm compares rows with others, so give at least 2")
        batch = min(rows, AUTO_BATCH if self.batch_size == "auto" else self.batch_size)
        steps = rows // batch  # The last, shorter batch is dropped; rows are shuffled in each epoch.
        if self.epochs != "auto":
            return Plan(batch, steps, self.epochs)
        fewest, most = AUTO_STEPS
        return Plan(batch, steps, math.ceil(min(most, max(fewest, AUTO_EPOCHS * steps)) / steps))


DEFAULT = FineTune()
"""Default settings of fine-tuning."""
