"""Implement BYOL, which predicts the outputs of a momentum network (Grill et al., 2020; i-Mix, section 3.4)."""

from typing import Literal

from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from contramix.encoders.encoder import Encoder
from contramix.methods.heads import Predictor
from contramix.methods.loss_bounds import Bounds, regression_bounds
from contramix.methods.losses import regression
from contramix.methods.method import Method, MethodSettings, Momentum, Network, l2_normalize
from contramix.types import Views


class BYOL(MethodSettings):
    """Configure BYOL, which predicts a momentum network's projection of one view from the other view.

    With i-Mix, the target of a mixed query is the weighted sum of the projections of its source samples.

    Parameters
    ----------
    predictor
        Head that predicts the momentum network's projection.
    momentum
        Momentum m of the moving average ``target <- m * target + (1 - m) * online``.
    buffers
        Running BatchNorm statistics of the momentum network: computed by its ``"own"`` forward passes, or a ``"copy"``
        of those of the online network.
    """

    predictor: Predictor = Predictor()
    momentum: float = Field(default=0.999, ge=0, le=1)
    buffers: Literal["own", "copy"] = "own"

    def build(self, encoder: Encoder) -> "BYOLMethod":
        return BYOLMethod(self, encoder)


class BYOLMethod(Method):
    """Predict the momentum network's projection of one view from the online network's projection of the other."""

    def __init__(self, settings: BYOL, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        self.predictor = settings.predictor.build(settings.projector.out, encoder.width)
        self.momentum = Momentum(self.online, settings.momentum, settings.buffers == "copy")

    @property
    def target(self) -> Network:
        return self.momentum.network

    def loss(self, views: Views) -> Float[Tensor, ""]:
        query = l2_normalize(self.predictor(self.online(views.query, views.cut)))  # (N, p)
        key = self.momentum.encode(views.key, views.cut)  # (N, p), no gradient
        return regression(query, key, views.targets)

    def bounds(self, views: Views, batch: int) -> Bounds:
        return regression_bounds(self.target(views.key, views.cut), views.targets)

    def after_step(self) -> None:
        self.momentum.update(self.online)
