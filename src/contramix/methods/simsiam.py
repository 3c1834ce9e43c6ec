"""Implement SimSiam: BYOL's loss with the online network, without gradient, as target (Chen & He, 2021)."""

from jaxtyping import Float
from torch import Tensor

from contramix.encoders.encoder import Encoder
from contramix.methods.heads import Predictor
from contramix.methods.loss_bounds import Bounds, regression_bounds
from contramix.methods.losses import regression
from contramix.methods.method import Method, MethodSettings, l2_normalize
from contramix.types import Views


class SimSiam(MethodSettings):
    """Configure SimSiam, with a symmetric loss as in its paper.

    NOTE[DIFF]: the paper's loss is the negative cosine; here it is 2 + 2 times that, as in BYOL, so gradients are twice
    as large.
    """

    symmetric: bool = True
    predictor: Predictor = Predictor()

    def build(self, encoder: Encoder) -> "SimSiamMethod":
        return SimSiamMethod(self, encoder)


class SimSiamMethod(Method):
    """Predict the detached projections of one view from those of the other."""

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
