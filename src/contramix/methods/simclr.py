"""Implement SimCLR, which compares each of the 2N views of a batch with all others (Chen et al., ICML 2020)."""

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
    """Configure SimCLR's NT-Xent loss. Similarities are divided by ``temperature``.

    NOTE[DIFF]: the authors' code of i-Mix does not include SimCLR. In SimCLR each of the 2N views is both a query and a
    key, so mixing all queries would also mix all keys. Here, with i-Mix, 2N mixed queries are compared with the 2N
    unmixed views as keys. Suppose a query mixes the views a and b with weights lambda and 1 - lambda. Then a and b are
    not among its keys. Its label is lambda for the other view of a's sample, and 1 - lambda for the other view of b's
    sample.
    """

    temperature: float = Field(default=0.5, gt=0)

    def build(self, encoder: Encoder) -> "SimCLRMethod":
        return SimCLRMethod(self, encoder)


class SimCLRMethod(Method):
    """Compare 2N queries with 2N keys. Rows i and (i + N) % 2N hold the two views of one sample."""

    all_views_are_keys = True

    def __init__(self, settings: SimCLR, encoder: Encoder) -> None:
        super().__init__(settings, encoder)
        self.temperature = settings.temperature

    def loss(self, views: Views) -> Float[Tensor, ""]:
        query, key = self.encode(views)  # (2N, p) each
        index, weight = views.targets
        source = (index + len(key) // 2) % len(key)
        # A source with weight 0 is not excluded; the query's own copy is excluded twice instead.
        exclude = torch.where(weight > 0, source, source[:, :1])
        keys, before = self.all_keys(key)
        return info_nce(query, keys, views.targets.with_offset(before), self.temperature, exclude=exclude + before)

    def bounds(self, views: Views, batch: int) -> Bounds:
        return nce_bounds(views.targets, self.temperature, rows=batch // self.local_groups, copies=2)
