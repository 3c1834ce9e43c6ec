"""Implement SimSiam, which is BYOL without a momentum network (Chen and He, 2021)."""

from jaxtyping import Float
from torch import Tensor

from contramix.encoders.encoder import Encoder
from contramix.methods.heads import Predictor
from contramix.methods.loss_bounds import Bounds, regression_bounds
from contramix.methods.losses import regression
from contramix.methods.method import Method, MethodSettings, l2_normalize
from contramix.types import Views


class SimSiam(MethodSettings):
    """Configure SimSiam, which predicts one view's projection (without gradient) from the other view's projection.

    The loss is symmetric by default, as in the paper. ``predictor`` configures the prediction head.

    NOTE[DIFF]: the SimSiam paper's loss is the negative cosine; here it is 2 - 2 * cosine, as in BYOL. Gradients are
    therefore twice as large.
    """

    symmetric: bool = True
    predictor: Predictor = Predictor()

    def build(self, encoder: Encoder) -> "SimSiamMethod":
        return SimSiamMethod(self, encoder)


class SimSiamMethod(Method):
    """Predict the projection of one view, taken without gradient, from the projection of the other."""

    def __init__(self, settings: SimSiam, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        # Both views are encoded at once, and each projection serves as query and as key.
        self.all_views_are_keys = self.symmetric and self.passes == "one"
        self.predictor = settings.predictor.build(settings.projector.out, encoder.width)

    def loss(self, views: Views) -> Float[Tensor, ""]:
        z, key = self.encode(views)  # (N, p) each
        query = l2_normalize(self.predictor(z))
        return regression(query, key.detach(), views.targets)

    def bounds(self, views: Views, batch: int) -> Bounds:
        return regression_bounds(self.target(views.key, views.cut), views.targets)
