"""SimSiam: BYOL's loss with the online network itself, gradient stopped, as target (Chen & He, 2021)."""

from jaxtyping import Float
from torch import Tensor

from contramix.encoders.encoder import Encoder
from contramix.methods.heads import Predictor
from contramix.methods.loss_bounds import Bounds, regression_bounds
from contramix.methods.losses import regression
from contramix.methods.method import Method, MethodSettings, unit
from contramix.types import Views


class SimSiam(MethodSettings):
    """SimSiam; its paper symmetrises the loss.

    NOTE[DIFF]: its loss is the negative cosine; ours is 2 + 2 times that, so gradients are twice as large, as
    in BYOL.
    """

    symmetric: bool = True
    predictor: Predictor = Predictor()

    def build(self, encoder: Encoder) -> "SimSiamMethod":
        return SimSiamMethod(self, encoder)


class SimSiamMethod(Method):
    """A predictor on the queries; keys are the projector's output, detached."""

    def __init__(self, settings: SimSiam, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        # Both views at once: what each gives serves as query and as key, and is computed once.
        self.mutual = self.symmetric and self.passes == "one"
        self.predictor = settings.predictor.build(settings.projector.out, encoder.width)

    def loss(self, views: Views) -> Float[Tensor, ""]:
        z, key = self.encode(views)  # (N, p) each
        query = unit(self.predictor(z))
        return regression(query, key.detach(), views.targets)

    def bounds(self, views: Views, batch: int) -> Bounds:
        return regression_bounds(self.target(views.key, views.cut), views.targets)
