"""SimCLR: 2N views, each against all others (Chen et al., ICML 2020)."""

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from contramix.encoders.encoder import Encoder
from contramix.methods.loss_bounds import Bounds, nce_bounds
from contramix.methods.losses import info_nce
from contramix.methods.method import Method, MethodSettings
from contramix.types import Views


class SimCLR(MethodSettings):
    """NT-Xent over 2N views.

    NOTE[DIFF]: the i-Mix code has no SimCLR. With 2N mutual anchors, mixing every anchor would mix the keys too;
    so here 2N mixed queries are compared with 2N clean keys. The clean copies of both ingredients are left out
    of a query's keys, and its label says lambda of the one's counterpart and 1 - lambda of the other's.
    """

    temperature: float = Field(default=0.5, gt=0)

    def build(self, encoder: Encoder) -> "SimCLRMethod":
        return SimCLRMethod(self, encoder)


class SimCLRMethod(Method):
    """Queries and keys are both views of the batch, (2N, ...); a target's counterpart is N places away."""

    mutual = True

    def __init__(self, settings: SimCLR, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        self.temperature = settings.temperature

    def loss(self, views: Views) -> Float[Tensor, ""]:
        query, key = self.encode(views)  # (2N, p) each
        index, weight = views.targets
        ingredient = (index + len(key) // 2) % len(key)
        # An ingredient with weight 0 is none; the query's own copy stands in for it.
        exclude = torch.where(weight > 0, ingredient, ingredient[:, :1])
        keys, before = self.all_keys(key)
        return info_nce(query, keys, views.targets.behind(before), self.temperature, exclude=exclude + before)

    def bounds(self, views: Views, batch: int) -> Bounds:
        return nce_bounds(views.targets, self.temperature, rows=batch // self.parts, copies=2)
