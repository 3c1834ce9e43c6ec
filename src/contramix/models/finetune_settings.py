"""How labelled rows are learned: what a user may set."""

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
AUTO_LR, AUTO_LR_FEW, MOST_LR = 1e-3, 5e-4, 1e15
FEW_ROWS = 1000
"""With fewer labelled rows weights move less, and none is held out: they are worth more in training than in choosing
when to stop."""
LOOKS = 50
"""How often in a run the held-out rows are looked at."""


def _rate_or_auto(value: Any) -> Any:
    if value == "auto" or (type(value) in (int, float) and 0 < value <= MOST_LR):
        return value if value == "auto" else float(value)
    raise PydanticCustomError("rate_or_auto", "should be a number above 0, or 'auto'")


def _class_weight(value: Any) -> Any:
    if value in (None, "balanced"):
        return value
    if isinstance(value, Mapping) and all(type(w) in (int, float) and 0 < w < math.inf for w in value.values()):
        return {str(name): float(w) for name, w in value.items()}
    raise PydanticCustomError("class_weight", "should be 'balanced', or a number above 0 for each class")


RateOrAuto = Annotated[float | Literal["auto"], BeforeValidator(_rate_or_auto)]
ClassWeight = Annotated[dict[str, float] | Literal["balanced"] | None, BeforeValidator(_class_weight)]


class FineTune(OptimizerSettings):
    """How labelled rows are learned, from pre-trained weights or from scratch.

    Parameters
    ----------
    epochs
        Passes over the labelled rows; ``"auto"``: 50, but at least 200 and at most about 1,000 steps.
    batch_size
        Rows a step; ``"auto"``: 256, or all rows where there are fewer.
    lr
        ``"auto"``: 5e-4 with fewer than 1,000 labelled rows, else 0.001.
    class_weight
        ``"balanced"``: each class weighs the same in the loss, as in scikit-learn; or weights by class.
    validation_share
        Of the labelled rows, held out to stop by; 0 holds none out. With fewer than 1,000 rows none is held out.
    patience
        Stop after so many of the run's 50 looks at the held-out rows without a better score. The weights of the best
        look are kept.
    """

    epochs: IntOrAuto = "auto"
    batch_size: IntOrAuto = "auto"
    lr: RateOrAuto = "auto"  # type: ignore[assignment]
    class_weight: ClassWeight = None
    validation_share: float = Field(default=0.2, ge=0, le=0.5)
    patience: int = Field(default=LOOKS // 2, ge=1)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "FineTune":
        """Settings by name.

        Raises
        ------
        InputError
            For a name or a value that is not known or not allowed.
        """
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            raise InputError(f"fine-tuning: {explain(error, cls)}") from error

    def rate_for(self, rows: int) -> "FineTune":
        """The same with a learning rate that is a number."""
        few = rows < FEW_ROWS
        return self.model_copy(update={"lr": AUTO_LR_FEW if few else AUTO_LR}) if self.lr == "auto" else self

    def plan(self, rows: int) -> Plan:
        """Batches and epochs for a number of rows to train on.

        Raises
        ------
        InputError
            For batches of one row, which BatchNorm cannot normalise.
        """
        if self.batch_size == 1:
            raise InputError("fine-tuning: batch_size is 1; BatchNorm compares rows with others, so give at least 2")
        batch = min(rows, AUTO_BATCH if self.batch_size == "auto" else self.batch_size)
        steps = rows // batch  # the last, shorter batch is left out; each epoch leaves out others
        if self.epochs != "auto":
            return Plan(batch, steps, self.epochs)
        least, most = AUTO_STEPS
        return Plan(batch, steps, math.ceil(min(most, max(least, AUTO_EPOCHS * steps)) / steps))


DEFAULT = FineTune()
